// The peers in Go: options, figures and meters, of the same form as those of the benches in C (../../support).
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"time"
)

type options struct {
	bench   string
	quick   bool
	workers []int
	rounds  int
	only    string
	text    *os.File
	json    *os.File
}

func die(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
	os.Exit(2)
}

func parseWorkers(list string) []int {
	var counts []int
	for _, word := range strings.Split(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			die("--workers: %s is not a number of workers", word)
		}
		counts = append(counts, n)
	}
	return counts
}

func parseOptions(bench string, args []string, workers string, rounds int) *options {
	o := &options{bench: bench, text: os.Stdout}
	flags := flag.NewFlagSet(bench, flag.ExitOnError)
	flags.BoolVar(&o.quick, "quick", false, "small amounts of work")
	flags.IntVar(&o.rounds, "rounds", rounds, "measured rounds of each figure")
	flags.StringVar(&o.only, "only", "", "variants to run, separated by commas")
	list := flags.String("workers", workers, "numbers of workers, separated by commas")
	seed := flags.Int("seed", 1, "not used: nothing here is random")
	path := flags.String("json", "", "where the JSON lines go; - is stdout")
	flags.Parse(args)
	o.workers = parseWorkers(*list)
	o.openJSON(*path)
	fmt.Fprintf(o.text, "# %s, Go: %s, %d CPUs; seed %d\n", bench, runtime.Version(), runtime.NumCPU(), *seed)
	return o
}

func (o *options) openJSON(path string) {
	var err error
	switch path {
	case "":
	case "-":
		o.json, o.text = os.Stdout, os.Stderr
	default:
		if o.json, err = os.Create(path); err != nil {
			die("%v", err)
		}
	}
}

func (o *options) wants(variant string) bool {
	return o.only == "" || strings.Contains(","+o.only+",", ","+variant+",")
}

func (o *options) amount(full, quick int) int {
	if o.quick {
		return quick
	}
	return full
}

// report prints one figure: minimum, median and maximum over the rounds.
func (o *options) report(variant string, workers, work int, metric, unit string, samples []float64) {
	sort.Float64s(samples)
	n := len(samples)
	low, high := samples[0], samples[n-1]
	median := (samples[(n-1)/2] + samples[n/2]) / 2
	fmt.Fprintf(o.text, "%-9s %-12s %-14s %3d workers  %-34s %12.5g %-4s (%.5g - %.5g)\n", o.bench, "Go", variant,
		workers, metric, median, unit, low, high)
	if o.json == nil {
		return
	}
	fmt.Fprintf(o.json, "{\"bench\": %q, \"impl\": \"Go\", \"variant\": %q, \"workers\": %d, \"work\": %d, "+
		"\"metric\": %q, \"unit\": %q, \"min\": %.6g, \"median\": %.6g, \"max\": %.6g}\n", o.bench, variant,
		workers, work, metric, unit, low, median, high)
}

// timePerUnit runs a warm-up round and then the measured ones, on each number of workers.
func (o *options) timePerUnit(variant string, n int, metric string, round func(n int)) {
	o.timePerUnitOf(variant, n, metric, func(n int) time.Duration {
		start := time.Now()
		round(n)
		return time.Since(start)
	})
}

// timePerUnitOf is the same for rounds that say themselves how long what matters took.
func (o *options) timePerUnitOf(variant string, n int, metric string, round func(n int) time.Duration) {
	if !o.wants(variant) {
		return
	}
	for _, workers := range o.workers {
		var samples []float64
		runtime.GOMAXPROCS(workers)
		round(n)
		for i := 0; i < o.rounds; i++ {
			samples = append(samples, float64(round(n).Nanoseconds())/float64(n))
		}
		o.report(variant, workers, n, metric, "ns", samples)
	}
}

func residentBytes() float64 {
	var total, resident int
	text, err := os.ReadFile("/proc/self/statm")
	if err == nil {
		_, err = fmt.Sscan(string(text), &total, &resident)
	}
	if err != nil {
		die("/proc/self/statm: %v", err)
	}
	return float64(resident * os.Getpagesize())
}
