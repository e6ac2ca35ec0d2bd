// fanout: 100,000 goroutines that do nothing but deliver a result: into a slice in their order (gather), or through a
// channel as they finish (as_completed).
package main

import "sync"

func gatherRound(n int) {
	var group sync.WaitGroup
	results := make([]interface{}, n)
	group.Add(n)
	for i := 0; i < n; i++ {
		go func(i int) {
			results[i] = &group
			group.Done()
		}(i)
	}
	group.Wait()
	for i := range results {
		if results[i] == nil {
			die("result %d is missing", i)
		}
	}
}

func asCompletedRound(n int) {
	results := make(chan int, n)
	for i := 0; i < n; i++ {
		go func(i int) { results <- i }(i)
	}
	sum := 0
	for i := 0; i < n; i++ {
		sum += <-results
	}
	if sum != n*(n-1)/2 {
		die("results are missing")
	}
}

func fanout(args []string) {
	o := parseOptions("fanout", args, "1,2", 5)
	o.timePerUnit("gather", 100000, "time per task", gatherRound)
	o.timePerUnit("as_completed", 100000, "time per task", asCompletedRound)
}
