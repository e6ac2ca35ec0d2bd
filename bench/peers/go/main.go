// The benches that make sense for goroutines: go-peer flat|fanout|suspend|sleepers [options].
package main

import "os"

func main() {
	benches := map[string]func([]string){
		"flat": flat, "fanout": fanout, "suspend": suspend, "sleepers": sleepers,
	}
	if len(os.Args) < 2 || benches[os.Args[1]] == nil {
		die("usage: flat|fanout|suspend|sleepers [options]")
	}
	benches[os.Args[1]](os.Args[2:])
}
