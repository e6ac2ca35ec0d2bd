// skynet: a tree of ten goroutines each, six levels deep, which send their sums up through channels.
package main

const skynetFan = 10

func skynet(results chan<- int, ordinal, leaves int) {
	if leaves == 1 {
		results <- ordinal
		return
	}
	sums, sum := make(chan int, skynetFan), 0
	for i := 0; i < skynetFan; i++ {
		go skynet(sums, ordinal+i*(leaves/skynetFan), leaves/skynetFan)
	}
	for i := 0; i < skynetFan; i++ {
		sum += <-sums
	}
	results <- sum
}

func skynetBench(args []string) {
	o := parseOptions("skynet", args, "1,2", 5)
	o.timePerUnit("1M", o.amount(1000000, 10000), "time per leaf", func(leaves int) {
		results := make(chan int, 1)
		skynet(results, 0, leaves)
		if <-results != leaves*(leaves-1)/2 {
			die("the ordinals of %d leaves do not add up", leaves)
		}
	})
}
