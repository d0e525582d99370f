package main

import (
	"sync/atomic"
	"time"
)

// movableClock is real time plus what the panel added. It never goes back.
type movableClock struct{ ahead atomic.Int64 }

// Now is the demo's time.
func (c *movableClock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Forward moves the time ahead by d; less than nothing is ignored.
func (c *movableClock) Forward(d time.Duration) {
	if d > 0 {
		c.ahead.Add(int64(d))
	}
}

// Ahead is how far the demo's time is before real time.
func (c *movableClock) Ahead() time.Duration { return time.Duration(c.ahead.Load()) }
