package main

import (
	"sync/atomic"
	"time"
)

// movableClock is real time, or one that began at a chosen moment, plus what the panel added. It never goes back.
type movableClock struct {
	offset time.Duration // from real time to the chosen moment, fixed at the beginning
	ahead  atomic.Int64
	moved  func() // told of every jump; nil: nobody is. Set before the first one
}

// clockFrom is a clock that shows a moment now; the zero time is real time.
func clockFrom(from time.Time) *movableClock {
	c := &movableClock{}
	if !from.IsZero() {
		c.offset = time.Until(from)
	}
	return c
}

// Now is the demo's time.
func (c *movableClock) Now() time.Time {
	return time.Now().Add(c.offset + time.Duration(c.ahead.Load()))
}

// Forward moves the time ahead by d; less than nothing is ignored.
func (c *movableClock) Forward(d time.Duration) {
	if d <= 0 {
		return
	}
	c.ahead.Add(int64(d))
	if c.moved != nil {
		c.moved()
	}
}

// Ahead is by how much the time was moved since the beginning.
func (c *movableClock) Ahead() time.Duration { return time.Duration(c.ahead.Load()) }
