package integrator

import (
	"errors"
	"sync"
	"time"
)

// How long a reading after an unclear write is not trusted to show what that write did. A write
// that was answered is over; one that was not may still be on its way.
const (
	pauseAnswered = time.Second
	pauseSilent   = 5 * time.Second
)

// patience is how often one effect may meet a contradiction (a write that integrator.io accepted
// does not show) before the contradiction is taken for its word, and how often a lesser part of a
// reading may fail before it counts as unreadable.
const patience = 5

// memoAge is when an effect that nobody delivers any more is forgotten.
const memoAge = time.Hour

// memory remembers of effects under way which ended in an unclear write and how often they were
// contradicted. It only makes an effect wait or be tried again; losing it with the process costs
// nothing else.
type memory struct {
	mu    sync.Mutex
	memos map[string]memo
}

type memo struct {
	touched, until time.Time
	strikes        int
	made           string // the ID of the invitation that integrator.io answered with
	looked         string // lastModified of an invitation that is to be sent again, when it was first read
	declined       bool   // it was declined then
	mailed         bool   // integrator.io took the request to send it again
}

// change edits an effect's memo and drops those that are old.
func (m *memory) change(effect string, now time.Time, edit func(*memo)) memo {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.memos == nil {
		m.memos = map[string]memo{}
	}
	for id, old := range m.memos {
		if now.Sub(old.touched) > memoAge {
			delete(m.memos, id)
		}
	}
	x := m.memos[effect]
	x.touched = now
	edit(&x)
	m.memos[effect] = x
	return x
}

func (m *memory) of(effect string) memo {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.memos[effect]
}

func (m *memory) forget(effect string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.memos, effect)
}

// written notes an unclear write and hands its error on.
func (s *session) written(err error) error {
	if err != nil && isUnclear(err) {
		pause := pauseAnswered
		var away *awayError
		if errors.As(err, &away) {
			pause = pauseSilent
		}
		now := s.g.now()
		s.g.memory.change(s.claim.Effect.ID, now, func(m *memo) { m.until = now.Add(pause) })
	}
	return err
}

// invited notes the invitation that this effect made, so that it is not sent again while the list does not show it yet.
func (s *session) invited(id string) {
	s.g.memory.change(s.claim.Effect.ID, s.g.now(), func(m *memo) { m.made = id })
}

// invitation is the ID that invited noted, "" for none.
func (s *session) invitation() string { return s.g.memory.of(s.claim.Effect.ID).made }

// settled is asked before a write that must not happen twice. It answers an againError while an
// earlier unclear one may still appear.
func (s *session) settled() error {
	if d := s.g.memory.of(s.claim.Effect.ID).until.Sub(s.g.now()); d > 0 {
		return &againError{d, "an earlier unclear write may still show"}
	}
	return nil
}

// unsure is asked before something that was there, or should be, is taken for gone: readings may be
// old, and a list that changes while it is paged may leave a row out. The first time it answers an
// againError, so absence is told only after a second delivery.
func (s *session) unsure(why string) error {
	m := s.g.memory.change(s.claim.Effect.ID, s.g.now(), func(m *memo) { m.strikes++ })
	if m.strikes > 1 {
		return nil
	}
	return &againError{time.Second, why}
}

// strike counts a contradiction and reports whether to try again.
func (s *session) strike() bool {
	return s.g.memory.change(s.claim.Effect.ID, s.g.now(), func(m *memo) { m.strikes++ }).strikes <= patience
}
