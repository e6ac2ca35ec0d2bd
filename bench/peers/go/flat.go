// flat: empty goroutines started by one, in batches of 10,000, each batch waited for by a WaitGroup.
package main

import "sync"

const batch = 10000

func flatRound(n int) {
	var group sync.WaitGroup
	for done := 0; done < n; done += batch {
		group.Add(batch)
		for i := 0; i < batch; i++ {
			go group.Done()
		}
		group.Wait()
	}
}

func flat(args []string) {
	o := parseOptions("flat", args, "1,2", 5)
	o.timePerUnit("batch", o.amount(2000000, 200000), "time per task", flatRound)
}
