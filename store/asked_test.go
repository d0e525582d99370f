package store_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
)

// TestANoteOnWhoIsAskedIsOneProcessesAtATime plays two processes on one Redis.
func TestANoteOnWhoIsAskedIsOneProcessesAtATime(t *testing.T) {
	ctx, redis := t.Context(), miniredis.RunT(t)
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	process := func() *store.Store {
		s, err := open(t, store.Options{URL: "redis://" + redis.Addr(), RealNow: func() time.Time { return now },
			SealKeys: [][]byte{bytes.Repeat([]byte("k"), store.SealKeyBytes)}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	one, two := process(), process()
	asked := workflows.Asked{Team: "T1", Person: "U0ANA", Command: "click/1", About: "*Confirm*: this"}
	mine, was, err := one.Ask(ctx, asked)
	if was != nil || err != nil {
		t.Fatalf("%+v, %v", was, err)
	}
	if _, was, err := two.Ask(ctx, workflows.Asked{Team: "T1", Person: "U0ANA", Command: "click/2"}); err != nil ||
		was == nil || was.Command != "click/1" {
		t.Fatalf("asked twice: %+v, %v", was, err)
	}
	// Who keeps it is left alone; who does not for too long is not.
	for range 3 {
		now = now.Add(store.AskedFor - time.Second)
		var ours bool
		if mine, ours, err = one.StillAsked(ctx, mine); !ours || err != nil {
			t.Fatalf("%v, %v", ours, err)
		}
		if gone, err := two.AskedByNobody(ctx); len(gone) > 0 || err != nil {
			t.Fatalf("%+v, %v", gone, err)
		}
	}
	now = now.Add(store.AskedFor)
	gone, err := two.AskedByNobody(ctx)
	if err != nil || len(gone) != 1 || gone[0].Asked != asked {
		t.Fatalf("%+v, %v", gone, err)
	}
	if again, err := one.AskedByNobody(ctx); len(again) > 0 || err != nil {
		t.Errorf("claimed twice: %+v, %v", again, err)
	}
	if _, ours, err := one.StillAsked(ctx, mine); ours || err != nil {
		t.Errorf("it is still its first process's: %v", err)
	}
	if err := one.NoLongerAsked(ctx, mine); err != nil || !redis.Exists("kh:{00}:asked") {
		t.Errorf("ended by who no longer has it: %v", err)
	}
	if err := two.NoLongerAsked(ctx, gone[0]); err != nil || redis.Exists("kh:{00}:asked") {
		t.Errorf("it stands still: %v", err)
	}
	// What a hand in Redis wrote is told to nobody, and hinders nobody.
	redis.HSet("kh:{00}:asked", "T1/U0ANA", `0000 {"team":"T1","person":"U0ANA","about":"pay here"}`)
	if gone, err := two.AskedByNobody(ctx); len(gone) > 0 || err != nil || redis.Exists("kh:{00}:asked") {
		t.Errorf("%+v, %v", gone, err)
	}
	redis.HSet("kh:{00}:asked", "T1/U0ANA", `0000 {"team":"T1","person":"U0ANA","until":"2099-01-01T00:00:00Z"}`)
	if _, was, err := one.Ask(ctx, asked); was != nil || err != nil {
		t.Errorf("%+v, %v", was, err)
	}
}
