// The benches that make sense for goroutines: go-peer flat|fanout|group|suspend|sleepers|timeouts [options].
package main

import "os"

func main() {
	benches := map[string]func([]string){
		"flat": flat, "fanout": fanout, "group": group, "suspend": suspend, "sleepers": sleepers, "timeouts": timeouts,
	}
	if len(os.Args) < 2 || benches[os.Args[1]] == nil {
		die("usage: flat|fanout|group|suspend|sleepers|timeouts [options]")
	}
	benches[os.Args[1]](os.Args[2:])
}
