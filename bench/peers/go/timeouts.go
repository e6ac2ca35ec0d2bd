// timeouts: contexts with a timeout, made and cancelled in time, in one goroutine for each worker; alone (scope) and among
// many armed timers (crowded).
package main

import (
	"context"
	"runtime"
	"sync"
	"time"
)

const timeout = 30 * time.Second

func scopes(n int) {
	for i := 0; i < n; i++ {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		if ctx.Err() != nil {
			die("a context expired")
		}
		cancel()
	}
}

func scopesRound(n int) {
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	group.Add(workers)
	for i := 0; i < workers; i++ {
		go func() {
			scopes(n / workers)
			group.Done()
		}()
	}
	group.Wait()
}

func timeouts(args []string) {
	o := parseOptions("timeouts", args, "1,2", 5)
	n := o.amount(10000000, 100000)
	o.timePerUnit("scope", n, "time per scope", scopesRound)
	if !o.wants("crowded") {
		return
	}
	timers := make([]*time.Timer, o.amount(100000, 10000))
	for i := range timers {
		timers[i] = time.AfterFunc(10*time.Second+2*timeout/time.Duration(len(timers))*time.Duration(i+1), func() {})
	}
	o.timePerUnit("crowded", n, "time per scope", scopesRound)
	for _, timer := range timers {
		timer.Stop()
	}
}
