package workspaces

import (
	"context"
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/workflows"
)

// Options say what runs. All but Reload, Listening and the clocks are required.
type Options struct {
	// Alone says that there is one configuration, and that its end is the process's.
	Alone bool
	// Load reads the configurations, each time anew.
	Load func() ([]config.File, error)
	// Reload has them read again and what changed carried out; nil: never.
	Reload <-chan os.Signal
	Log    zerolog.Logger
	// Version of the program, for the evidence that it makes.
	Version string
	// Listening is told the address of the operators' server, once it listens; nil: nobody is.
	Listening func(address string)
	// Stages hears what every workspace does, for traces; nil: nobody does.
	Stages workflows.Stages
	// Now is the time of commands, RealNow this machine's clock; nil: time.Now.
	Now, RealNow func() time.Time
}

// ErrNothing is the answer where no configuration can be started.
var ErrNothing = errors.New("no workspace can be started")

// Run runs a workspace for each of files, which Load has answered, until ctx ends. With Alone it
// answers what ended the only one. Errors at the start: [ErrNothing], or an address for operators
// that cannot be listened at.
func Run(ctx context.Context, files []config.File, o Options) error {
	if o.RealNow == nil {
		o.RealNow = time.Now
	}
	if !slices.ContainsFunc(files, func(f config.File) bool { return len(f.Faults) == 0 }) {
		return ErrNothing
	}
	address, others := config.Listen(files)
	listener, err := serve.Listen(address, o.Listening)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		o.Log.Warn().Str(workflows.LogListen, address).Strs("others", others).
			Msg("one process answers operators at one address: what other files say under listen has no effect")
	}
	h := newHouse(o)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		operators := serve.Operators{Unready: h.unready, Metrics: h.metrics}
		if !o.Alone {
			operators.UnreadyOne = h.unreadyOne
		}
		return operators.Serve(ctx, listener)
	})
	g.Go(func() error { return h.run(ctx, files) })
	return g.Wait()
}

// house is everything that runs in this process.
type house struct {
	o       Options
	process *prometheus.Registry
	starts  *prometheus.CounterVec
	fatal   chan error // of the only one

	mu      sync.Mutex
	running map[string]*workspace // by name
	refused map[string]string     // why one is not running, by name
}

func newHouse(o Options) *house {
	h := &house{o: o, process: serve.Process(), fatal: make(chan error, 1), running: map[string]*workspace{},
		refused: map[string]string{}}
	h.starts = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "keyholder_workspace_starts_total",
		Help: "Times that a workspace was started; one that rises by itself fails again and again."},
		[]string{serve.LabelWorkspace})
	if !o.Alone {
		h.process.MustRegister(h.starts, absent{h})
	}
	return h
}

// run starts what can be, obeys Reload, and returns when all has ended.
func (h *house) run(ctx context.Context, files []config.File) error {
	defer h.stopAll()
	h.follow(ctx, files)
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-h.fatal:
			return err
		case <-h.o.Reload:
			files, err := h.o.Load()
			if err != nil {
				h.o.Log.Error().Err(err).Msg("the configurations cannot be read again: everything goes on as it was")
				continue
			}
			h.follow(ctx, files)
		}
	}
}

// plan is what a reading of the configurations means for what runs.
type plan struct {
	start []config.File     // new or changed
	stop  []string          // changed or gone
	stay  map[string]string // why one that runs goes on as it was although its file is another, by name
	never map[string]string // why one is not started, by name
}

// follow brings what runs in line with files.
func (h *house) follow(ctx context.Context, files []config.File) {
	p := h.plan(files)
	for name, why := range p.stay {
		h.o.Log.Error().Str(workflows.LogWorkspace, name).Str(workflows.LogCause, why).
			Msg("the changed configuration has faults: this workspace goes on as it was")
	}
	for name, why := range p.never {
		h.o.Log.Error().Str(workflows.LogWorkspace, name).Str(workflows.LogCause,
			why).Msg("this workspace is not started")
	}
	h.stop(p.stop)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused = p.never
	for _, w := range h.running {
		w.hurry()
	}
	for _, f := range p.start {
		h.running[f.Name] = h.begin(ctx, f)
	}
	h.o.Log.Info().Int("running", len(h.running)).Int("started", len(p.start)).Int("stopped", len(p.stop)).
		Int("refused", len(p.never)).Msg("the configurations were read")
}

// plan compares files with what runs. What is about to be started is compared with what stays, whose files may say
// something else by now.
func (h *house) plan(files []config.File) plan {
	p := plan{stay: map[string]string{}, never: map[string]string{}}
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := map[string]config.File{}
	for name, w := range h.running {
		kept[name] = w.file
	}
	refuse := func(name, why string) {
		if w := h.running[name]; w != nil {
			kept[name], p.stay[name] = w.file, why
		} else if p.never[name] == "" {
			p.never[name] = why
		}
	}
	there, next := map[string]bool{}, map[string]config.File{}
	for _, f := range files {
		there[f.Name] = there[f.Name] || !f.Gone || h.o.Alone
		w := h.running[f.Name]
		switch {
		case f.Gone && w != nil && !h.o.Alone:
		case len(f.Faults) > 0:
			refuse(f.Name, sentences(f.Faults))
		case w == nil || differs(w.file, f):
			next[f.Name] = f
			delete(kept, f.Name)
		}
	}
	maps.DeleteFunc(kept, func(name string, _ config.File) bool { return !there[name] })
	for again := true; again; {
		again = false
		for _, name := range slices.Sorted(maps.Keys(next)) {
			for _, other := range kept {
				if faults := next[name].Beside(other); len(faults) > 0 {
					delete(next, name)
					refuse(name, sentences(faults))
					again = true
					break
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(next)) {
		p.start = append(p.start, next[name])
	}
	for name := range h.running {
		if _, stays := kept[name]; !stays {
			p.stop = append(p.stop, name)
		}
	}
	return p
}

// differs reports whether a workspace has to be started anew to follow its file.
func differs(a, b config.File) bool {
	return a.Config.Hash() != b.Config.Hash() || !reflect.DeepEqual(a.Config.Secrets, b.Config.Secrets)
}

func sentences(faults []config.Fault) string {
	var all []string
	for _, f := range faults {
		all = append(all, f.String())
	}
	return strings.Join(all, " ")
}

// stop ends workspaces, side by side, and returns when they have ended.
func (h *house) stop(names []string) {
	h.mu.Lock()
	var ending []*workspace
	for _, name := range names {
		ending = append(ending, h.running[name])
		delete(h.running, name)
	}
	h.mu.Unlock()
	for _, w := range ending {
		w.log.Info().Msg("this workspace ends")
		w.end()
	}
	for _, w := range ending {
		<-w.done
	}
}

func (h *house) stopAll() {
	h.mu.Lock()
	names := slices.Collect(maps.Keys(h.running))
	h.mu.Unlock()
	h.stop(names)
}

// unready says which workspaces are not ready and why, "" for none.
func (h *house) unready() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.o.Alone {
		for _, w := range h.running {
			return w.unready()
		}
		return errNotYet
	}
	var missing []string
	for name, why := range h.refused {
		missing = append(missing, name+": "+why)
	}
	for name, w := range h.running {
		if why := w.unready(); why != "" {
			missing = append(missing, name+": "+why)
		}
	}
	if len(h.running)+len(h.refused) == 0 {
		return "there is no workspace"
	}
	slices.Sort(missing)
	return strings.Join(missing, "\n")
}

func (h *house) unreadyOne(name string) (why string, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if w := h.running[name]; w != nil {
		return w.unready(), true
	}
	why, known = h.refused[name]
	return why, known
}
