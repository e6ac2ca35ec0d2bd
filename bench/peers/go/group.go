// group: one group of 100,000 goroutines that do nothing; and groups in groups, five goroutines each, six levels. The
// group is a WaitGroup that keeps the first error and then cancels, as golang.org/x/sync/errgroup does.
package main

import (
	"context"
	"sync"
)

const (
	groupFan    = 5
	groupLevels = 6
	groupTree   = 19531
)

type errorGroup struct {
	wait   sync.WaitGroup
	once   sync.Once
	err    error
	cancel context.CancelFunc
}

func newErrorGroup(outer context.Context) (*errorGroup, context.Context) {
	ctx, cancel := context.WithCancel(outer)
	return &errorGroup{cancel: cancel}, ctx
}

func (g *errorGroup) start(fn func() error) {
	g.wait.Add(1)
	go func() {
		defer g.wait.Done()
		if err := fn(); err != nil {
			g.once.Do(func() {
				g.err = err
				g.cancel()
			})
		}
	}()
}

func (g *errorGroup) end() error {
	g.wait.Wait()
	g.cancel()
	return g.err
}

func groupChildren(n int) {
	g, _ := newErrorGroup(context.Background())
	for i := 0; i < n; i++ {
		g.start(func() error { return nil })
	}
	if g.end() != nil {
		die("a child failed")
	}
}

func groupBranch(ctx context.Context, level int) error {
	if level == 0 {
		return nil
	}
	g, ctx := newErrorGroup(ctx)
	for i := 0; i < groupFan; i++ {
		g.start(func() error { return groupBranch(ctx, level-1) })
	}
	return g.end()
}

func groupTreeRound(int) {
	if groupBranch(context.Background(), groupLevels) != nil {
		die("a child failed")
	}
}

func group(args []string) {
	o := parseOptions("group", args, "1,2", 5)
	o.timePerUnit("children", 100000, "time per task", groupChildren)
	o.timePerUnit("tree", groupTree, "time per task", groupTreeRound)
}
