// first: a thousand goroutines end one after the other, each when it is told; each time one goroutine waits for the
// first of those that are left: by a select over a channel of each (wait: reflect.Select, as their number is not known
// when it is compiled), or by one channel for all (queue).
package main

import (
	"reflect"
	"sync"
	"time"
)

const (
	firstN      = 1000
	firstStride = 619
)

type followers struct {
	goAhead []chan struct{}
}

// begin starts one goroutine for each channel of results.
func (f *followers) begin(results []chan int) {
	var ready sync.WaitGroup
	f.goAhead = make([]chan struct{}, firstN)
	ready.Add(firstN)
	for i := range f.goAhead {
		f.goAhead[i] = make(chan struct{})
		go func(i int) {
			ready.Done()
			<-f.goAhead[i]
			results[i] <- i
		}(i)
	}
	ready.Wait()
}

func (f *followers) tell(turn int) int {
	i := turn * firstStride % firstN
	close(f.goAhead[i])
	return i
}

func firstWait() time.Duration {
	var f followers
	results := make([]chan int, firstN)
	cases := make([]reflect.SelectCase, firstN)
	for i := range results {
		results[i] = make(chan int, 1)
		cases[i] = reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(results[i])}
	}
	f.begin(results)
	start := time.Now()
	for turn := 0; turn < firstN; turn++ {
		told := f.tell(turn)
		at, value, _ := reflect.Select(cases)
		if int(value.Int()) != told {
			die("another one ended")
		}
		cases[at] = cases[len(cases)-1]
		cases = cases[:len(cases)-1]
	}
	return time.Since(start)
}

func firstQueue() time.Duration {
	var f followers
	queue := make(chan int, firstN)
	results := make([]chan int, firstN)
	for i := range results {
		results[i] = queue
	}
	f.begin(results)
	start := time.Now()
	for turn := 0; turn < firstN; turn++ {
		if told := f.tell(turn); <-queue != told {
			die("another one ended")
		}
	}
	return time.Since(start)
}

func firstTimes(n int, once func() time.Duration) time.Duration {
	var took time.Duration
	for i := 0; i < n/firstN; i++ {
		took += once()
	}
	return took
}

func first(args []string) {
	o := parseOptions("first", args, "1,2", 5)
	n := firstN * o.amount(20, 2)
	o.timePerUnitOf("wait", n, "time per wait", func(n int) time.Duration { return firstTimes(n, firstWait) })
	o.timePerUnitOf("queue", n, "time per wait", func(n int) time.Duration { return firstTimes(n, firstQueue) })
}
