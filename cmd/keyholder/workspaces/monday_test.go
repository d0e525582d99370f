package workspaces_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestMondayNineOClock opens the reviews of many workspaces on the same Monday, and measures how long their reviewers
// wait for their cards. Time is moved to the minute before and then runs.
func TestMondayNineOClock(t *testing.T) {
	n := many(t)
	var ahead atomic.Int64 // of this machine's clock
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())).UTC() }
	jump := func(to time.Time) { ahead.Store(int64(time.Until(to))) }
	jump(time.Date(2027, 3, 22, 8, 0, 0, 0, time.UTC)) // a Monday of the quarter before
	w := newTown(t, now)
	for i := range n {
		name := "w" + strconv.Itoa(i)
		w.found(name, now)
		w.write(name, "kh-"+name, "review: {reviewers: [U0DEE, U0ANA]}")
	}
	operators, stop := w.run(now)
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if code, body := get(t, operators+"/readyz"); code == 200 {
			break
		} else if time.Since(began) > 5*time.Minute {
			t.Fatal(body)
		}
	}
	nine := time.Date(2027, 4, 5, 9, 0, 0, 0, time.UTC)
	jump(nine.Add(-10 * time.Second))
	opened := map[string]time.Duration{} // until both reviewers have their card
	for deadline := time.Now().Add(7 * time.Minute); len(opened) < n &&
		time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		for name, s := range w.slacks {
			if _, done := opened[name]; done {
				continue
			}
			asked := 0
			for _, who := range []string{"U0DEE", "U0ANA"} {
				for _, m := range s.Messages(s.DM(who)) {
					if strings.Contains(string(m.Blocks), "review.open") {
						asked++
						break
					}
				}
			}
			if asked == 2 {
				opened[name] = now().Sub(nine)
			}
		}
	}
	var took []time.Duration
	for _, d := range opened {
		took = append(took, d.Round(time.Second))
	}
	slices.Sort(took)
	if len(took) < n {
		t.Fatalf("only %d of %d were opened\n%s", len(took), n, w.log.String()[max(0, len(w.log.String())-4000):])
	}
	t.Logf("%d reviews were before their reviewers between %s and %s after nine, half of them by %s", n, took[0],
		took[n-1], took[n/2])
	code, body := get(t, operators+"/metrics")
	slow, all := 0.0, 0.0
	for line := range strings.SplitSeq(body, "\n") {
		if value, ok := strings.CutPrefix(line, `keyholder_deliveries_total{destination="`); ok && code == 200 {
			count, _ := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
			if all += count; strings.Contains(value, `outcome="again"`) {
				slow += count
			}
		}
	}
	t.Logf("%s", fmt.Sprintf("%.0f deliveries, %.0f of them to be tried again", all, slow))
	if err := stop(); err != nil {
		t.Error(err)
	}
}
