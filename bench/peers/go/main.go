// The benches that make sense for goroutines: go-peer NAME [options].
package main

import "os"

func main() {
	benches := map[string]func([]string){
		"flat": flat, "fanout": fanout, "group": group, "suspend": suspend, "sleepers": sleepers, "timeouts": timeouts,
		"cancel": cancel, "fib": fibBench, "first": first, "skynet": skynetBench,
	}
	if len(os.Args) < 2 || benches[os.Args[1]] == nil {
		die("usage: go-peer NAME [options]; main.go has the names")
	}
	benches[os.Args[1]](os.Args[2:])
}
