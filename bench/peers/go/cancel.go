// cancel: a million goroutines that wait for a timer or their context, whichever is first; the contexts are cancelled
// one by one, and all waited for (task). A million contexts with a timeout, which are Go's futures that a timer ends,
// cancelled one by one, and each waited for (future).
package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const long = 600 * time.Second

func sleepUntilCancelled(ctx context.Context, asleep, awoken *int64, group *sync.WaitGroup) {
	defer group.Done()
	timer := time.NewTimer(long)
	atomic.AddInt64(asleep, 1)
	select {
	case <-timer.C:
		atomic.AddInt64(awoken, 1)
	case <-ctx.Done():
		timer.Stop()
	}
}

func cancelTasks(n int) time.Duration {
	var group sync.WaitGroup
	var asleep, awoken int64
	cancels := make([]context.CancelFunc, n)
	group.Add(n)
	for i := range cancels {
		ctx, cancel := context.WithCancel(context.Background())
		cancels[i] = cancel
		go sleepUntilCancelled(ctx, &asleep, &awoken, &group)
	}
	for atomic.LoadInt64(&asleep) < int64(n) {
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	for _, cancel := range cancels {
		cancel()
	}
	group.Wait()
	took := time.Since(start)
	if awoken > 0 {
		die("%d sleepers woke up", awoken)
	}
	return took
}

func cancelFutures(n int) time.Duration {
	type future struct {
		ctx    context.Context
		cancel context.CancelFunc
	}
	futures := make([]future, n)
	for i := range futures {
		futures[i].ctx, futures[i].cancel = context.WithTimeout(context.Background(), long)
	}
	start := time.Now()
	for i := range futures {
		futures[i].cancel()
	}
	for i := range futures {
		<-futures[i].ctx.Done()
		if futures[i].ctx.Err() != context.Canceled {
			die("a future was not cancelled")
		}
	}
	return time.Since(start)
}

func cancel(args []string) {
	o := parseOptions("cancel", args, "1,2", 3)
	n := o.amount(1000000, 20000)
	o.timePerUnitOf("task", n, "time per cancel", cancelTasks)
	o.timePerUnitOf("future", n, "time per cancel", cancelFutures)
}
