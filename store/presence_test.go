package store_test

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/keyholder/keyholder/store"
)

func TestProcessesAreCountedWhileTheySayThatTheyAreThere(t *testing.T) {
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	url := "redis://" + miniredis.RunT(t).Addr()
	s, err := open(t, store.Options{URL: url, RealNow: clock})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	want := func(n int) {
		t.Helper()
		if got, err := s.Processes(ctx); err != nil || got != n {
			t.Errorf("%d processes, want %d (%v)", got, n, err)
		}
	}
	want(0)
	for i, id := range []string{"a", "b", "a"} {
		if n, err := s.Present(ctx, id); err != nil || n != min(i+1, 2) {
			t.Errorf("%s: %d, %v", id, n, err)
		}
	}
	want(2)
	now = now.Add(store.PresentFor - time.Second)
	if n, err := s.Present(ctx, "a"); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
	now = now.Add(2 * time.Second)
	want(1)
	if err := s.Absent(ctx, "a"); err != nil {
		t.Error(err)
	}
	want(0)
}
