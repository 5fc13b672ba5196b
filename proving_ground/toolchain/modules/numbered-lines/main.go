// Command numbered-lines writes numbered lines to stdout at a steady rate, and keeps an account of them elsewhere.
//
//	numbered-lines --name steady --per-second 200 --tally /tally
//
// Each start has a name of its own, such as steady-dgx1k2a0; its lines are "<start> <number>", from 1. The tally's file of
// that name holds the last number whose write has returned: a start that is killed may have written one line more.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

func main() {
	name := flag.String("name", "steady", "of the writer: letters")
	perSecond := flag.Int("per-second", 200, "lines a second")
	tally := flag.String("tally", "/tally", "folder of the account")
	flag.Parse()
	told, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(told, *name, *perSecond, *tally); err != nil {
		log.Fatal("numbered-lines: ", err)
	}
}

func run(told context.Context, name string, perSecond int, folder string) error {
	if perSecond < 1 {
		return fmt.Errorf("%d lines a second", perSecond)
	}
	start := name + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	tally, err := os.OpenFile(filepath.Join(folder, start), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if err := write(told, os.Stdout, tally, start, time.Second/time.Duration(perSecond)); err != nil {
		return err
	}
	return tally.Close()
}

// held is how late a line may be and still be made up for. A runtime that reads nothing for longer holds the writer up, as it
// holds up every program; what was not written then is not written later.
const held = time.Second

func write(told context.Context, out io.Writer, tally io.WriterAt, start string, gap time.Duration) error {
	due := time.Now()
	for number := 1; told.Err() == nil; number++ {
		if _, err := fmt.Fprintf(out, "%s %d\n", start, number); err != nil {
			return err
		}
		if _, err := tally.WriteAt(fmt.Appendf(nil, "%020d\n", number), 0); err != nil {
			return err
		}
		due = due.Add(gap)
		if late := time.Since(due); late > held {
			due = due.Add(late)
		}
		time.Sleep(time.Until(due))
	}
	return nil
}
