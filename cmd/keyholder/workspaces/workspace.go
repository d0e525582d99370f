package workspaces

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/workflows"
)

// Pace at which one that failed is tried again: doubling from the first to the last, and from the
// first again once it had run for a while.
const (
	firstWait = 5 * time.Second
	lastWait  = 5 * time.Minute
	steady    = 10 * time.Minute
)

// errNotYet is why a workspace is not ready that is just starting.
const errNotYet = "it is starting"

// workspace is one Keyholder.
type workspace struct {
	file  config.File
	log   zerolog.Logger
	end   context.CancelFunc
	done  chan struct{} // closed when it has ended for good
	again chan struct{} // try again at once

	mu     sync.Mutex
	server *serve.Server // nil while none runs
	why    string        // it has none
}

// begin starts a workspace, which runs until ctx ends or its end is called.
func (h *house) begin(ctx context.Context, f config.File) *workspace {
	w := &workspace{file: f, log: h.o.Log, done: make(chan struct{}), again: make(chan struct{}, 1), why: errNotYet}
	if !h.o.Alone {
		w.log = h.o.Log.With().Str(workflows.LogWorkspace, f.Name).Logger()
	}
	ctx, w.end = context.WithCancel(ctx)
	go func() {
		defer close(w.done)
		defer w.end()
		h.keep(ctx, w)
	}()
	return w
}

// keep runs a workspace, again and again where it fails, until ctx ends.
func (h *house) keep(ctx context.Context, w *workspace) {
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		began := h.o.RealNow()
		err := h.once(ctx, w)
		switch {
		case ctx.Err() != nil:
			return
		case h.o.Alone:
			h.fatal <- err
			return
		case err == nil:
			err = errors.New("it ended by itself")
		}
		if h.o.RealNow().Sub(began) > steady {
			wait = firstWait
		}
		pause := wait - rand.N(wait/5)
		w.set(nil, fmt.Sprintf("it failed and is tried again within %s: %v", wait, err))
		w.log.Error().Err(err).Dur(workflows.LogWait, pause).Msg("this workspace has failed; the others go on")
		select {
		case <-w.again: // of before it failed
		default:
		}
		select {
		case <-ctx.Done():
			return
		case <-w.again:
			wait = firstWait / 2
		case <-time.After(pause):
		}
	}
}

// once runs a workspace until it ends, however it does.
func (h *house) once(ctx context.Context, w *workspace) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error().Interface(workflows.LogPanic, p).Bytes("stack", debug.Stack()).Msg("the program stumbled")
			err = fmt.Errorf("the program stumbled: %v", p)
		}
		w.set(nil, errNotYet)
	}()
	o := serve.Options{Config: w.file.Config, Log: w.log, Version: h.o.Version, Now: h.o.Now, RealNow: h.o.RealNow,
		Stages: h.o.Stages}
	if !h.o.Alone {
		o.Workspace = w.file.Name
		h.starts.WithLabelValues(w.file.Name).Inc()
	}
	s := serve.New(o)
	w.set(s, "")
	return s.Work(ctx)
}

// hurry has one that waits tried again at once: whatever failed may have been mended.
func (w *workspace) hurry() {
	select {
	case w.again <- struct{}{}:
	default:
	}
}

func (w *workspace) set(s *serve.Server, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.server, w.why = s, why
}

func (w *workspace) serving() *serve.Server {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.server
}

// unready says what is missing, "" for nothing.
func (w *workspace) unready() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.server == nil {
		return w.why
	}
	return w.server.Unready()
}
