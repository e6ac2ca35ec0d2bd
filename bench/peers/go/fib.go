// fib: fib(30), without a cut-off; each inner call starts a goroutine for one of its two calls and waits for it on a
// WaitGroup. fib(40), as others do it, would take minutes: compare by fork.
package main

import "sync"

func fib(n int) int {
	if n < 2 {
		return n
	}
	var group sync.WaitGroup
	var a int
	group.Add(1)
	go func() {
		a = fib(n - 1)
		group.Done()
	}()
	b := fib(n - 2)
	group.Wait()
	return a + b
}

func fibNumber(n int) int {
	a, b := 0, 1
	for i := 0; i < n; i++ {
		a, b = b, a+b
	}
	return a
}

func fibBench(args []string) {
	o := parseOptions("fib", args, "1,2", 5)
	n := o.amount(30, 20)
	nForks := fibNumber(n+1) - 1
	o.timePerUnit("typed", nForks, "time per fork", func(int) {
		if fib(n) != fibNumber(n) {
			die("fib(%d) is wrong", n)
		}
	})
}
