// suspend: two goroutines that take turns. Go's form of a promise that is set and awaited is a channel; two unbuffered
// ones serve all turns, so nothing is allocated in a turn. yield: both call Gosched.
package main

import (
	"runtime"
	"sync"
)

func channelRound(n int) {
	ping, pong := make(chan int), make(chan int)
	go func() {
		for i := range ping {
			pong <- i
		}
	}()
	for i := 0; i < n; i++ {
		ping <- i
		if <-pong != i {
			die("turn %d went astray", i)
		}
	}
	close(ping)
}

func yieldRound(n int) {
	var group sync.WaitGroup
	group.Add(2)
	for side := 0; side < 2; side++ {
		go func() {
			for i := 0; i < n; i++ {
				runtime.Gosched()
			}
			group.Done()
		}()
	}
	group.Wait()
}

func suspend(args []string) {
	o := parseOptions("suspend", args, "1,2", 5)
	n := o.amount(1000000, 100000)
	o.timePerUnit("promise", n, "time per round trip", channelRound)
	o.timePerUnit("yield", n, "time per round trip", yieldRound)
}
