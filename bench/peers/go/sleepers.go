// sleepers: goroutines in time.Sleep (task), and functions that a timer calls, which hold no stack (future).
package main

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

func sleepTasks(n int, sleep time.Duration) {
	var group sync.WaitGroup
	group.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			time.Sleep(sleep)
			group.Done()
		}()
	}
	group.Wait()
}

func sleepFutures(n int, sleep time.Duration) {
	var group sync.WaitGroup
	group.Add(n)
	for i := 0; i < n; i++ {
		time.AfterFunc(sleep, group.Done)
	}
	group.Wait()
}

// peakDuring returns the most resident memory seen while fn runs.
func peakDuring(fn func()) float64 {
	over, peak := make(chan bool), make(chan float64)
	go func() {
		most := residentBytes()
		for {
			select {
			case <-over:
				peak <- most
				return
			case <-time.After(5 * time.Millisecond):
				if now := residentBytes(); now > most {
					most = now
				}
			}
		}
	}()
	fn()
	over <- true
	return <-peak
}

func (o *options) sleepVariant(variant string, workers int, round func(int, time.Duration)) {
	n := o.amount(1000000, 20000)
	sleep := time.Duration(o.amount(3000, 200)) * time.Millisecond
	wait := time.Duration(o.amount(2000, 300)) * time.Millisecond
	var total, beyond, each, left []float64
	debug.FreeOSMemory()
	before := residentBytes()
	for i := 0; i < o.rounds; i++ {
		var took time.Duration
		peak := peakDuring(func() {
			start := time.Now()
			round(n, sleep)
			took = time.Since(start)
		})
		time.Sleep(wait)
		total = append(total, took.Seconds())
		beyond = append(beyond, float64((took-sleep).Nanoseconds())/float64(n))
		each = append(each, (peak-before)/float64(n))
		left = append(left, (residentBytes()-before)/(1<<20))
	}
	o.report(variant, workers, n, "total", "s", total)
	o.report(variant, workers, n, "beyond the sleep, each", "ns", beyond)
	o.report(variant, workers, n, "resident memory, each", "B", each)
	o.report(variant, workers, n, "memory left after "+map[bool]string{true: "0.3 s", false: "2 s"}[o.quick], "MiB", left)
}

func sleepers(args []string) {
	o := parseOptions("sleepers", args, "2", 3)
	for _, workers := range o.workers {
		runtime.GOMAXPROCS(workers)
		if o.wants("task") {
			o.sleepVariant("task", workers, sleepTasks)
		}
		if o.wants("future") {
			o.sleepVariant("future", workers, sleepFutures)
		}
	}
}
