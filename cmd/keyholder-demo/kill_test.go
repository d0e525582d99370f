package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/store/storetest"
)

// killRun is one story that a keyholder process carries while the test kills it.
type killRun struct {
	*stage
	proxy  *redisProxy
	server *storetest.Server
	db     int
	path   string
	url    string
	log    *buffer

	mu      sync.Mutex
	child   *child
	calm    bool         // nobody kills it
	commits atomic.Int64 // one that is sent again counts once
	ends    atomic.Int64
	calls   atomic.Int64 // commits that are about calls to integrator.io
	kills   atomic.Int64
	twice   atomic.Int64 // kills that two parts of a plan asked for at once
}

// databases hands out one database of a shared redis-server to each run.
var databases atomic.Int64

// killable prepares a story on its own database behind its own proxy.
func killable(t *testing.T, server *storetest.Server, edit func(string) string) *killRun {
	t.Helper()
	p := proxyRedis(t, server.Addr)
	db := int(databases.Add(1))
	r := &killRun{proxy: p, server: server, db: db, url: p.url(db), log: &buffer{}}
	r.stage = prepare(t, options{redisURL: r.url, edit: edit, from: realTime()}) // the process has no other clock
	r.path = r.configFile(edit)
	t.Cleanup(r.end)
	return r
}

// begin starts the process and waits for its socket.
func (r *killRun) begin() {
	r.t.Helper()
	r.respawn()
	r.until("the bot to connect", func() bool { return r.slack.Connections() > 0 })
}

func (r *killRun) respawn() {
	c, err := r.spawn(r.path, r.url, r.log)
	if err != nil {
		r.t.Errorf("start keyholder: %v", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.child = c
}

// killNow ends the process with SIGKILL and starts it again.
func (r *killRun) killNow() {
	r.mu.Lock()
	c := r.child
	r.child = nil
	r.mu.Unlock()
	if c == nil {
		return
	}
	c.kill()
	r.kills.Add(1)
	if !thorough() {
		r.leasesEnd()
	}
	r.respawn()
}

func (r *killRun) end() {
	r.mu.Lock()
	c := r.child
	r.child = nil
	r.mu.Unlock()
	if c != nil {
		c.kill()
	}
}

// leasesEnd ends the leases of the process that was killed, on which every story would only wait
// for 8 s after each kill. The thorough form waits.
func (r *killRun) leasesEnd() {
	client := redis.NewClient(&redis.Options{Addr: r.server.Addr, DB: r.db})
	defer client.Close()
	if err := client.Eval(r.ctx, `
for _, leased in ipairs(redis.call('KEYS', '*:timers:leased')) do
  for _, timer in ipairs(redis.call('ZRANGE', leased, 0, -1)) do redis.call('ZADD', leased, 0, timer) end
end
for _, due in ipairs(redis.call('KEYS', '*:due:*')) do
  for _, key in ipairs(redis.call('ZRANGE', due, 0, -1)) do
    if redis.call('HEXISTS', string.gsub(due, ':due:.$', ':queue:') .. key, 'token') == 1 then redis.call('ZADD', due, 0, key) end
  end
end
return 1`, nil).Err(); err != nil && r.ctx.Err() == nil {
		r.t.Errorf("end the leases of a process that was killed: %v", err)
	}
}

// kills says at which writes the program is killed, counted from 1, and whether before Redis hears
// of one or after (loseBefore, loseAfter). calls are counted among the commits that are about calls
// to integrator.io.
type kills struct{ commits, ends, calls map[int64]int }

// count is how many times a plan kills.
func (k kills) count() int { return len(k.commits) + len(k.ends) + len(k.calls) }

// killAt counts commits and ends of deliveries, and kills at those of a plan; all others pass.
func (r *killRun) killAt(plan kills) {
	r.calm = plan.count() == 0
	known := map[string]bool{}
	r.proxy.on(func(args []string) int {
		switch {
		case isCommit(args):
			if name := nameOf(args); !known[name] {
				known[name] = true
				what := plan.commits[r.commits.Add(1)]
				if !isOfCall(args) {
					return what
				}
				if of := plan.calls[r.calls.Add(1)]; what == pass {
					return of
				} else if of != pass {
					r.twice.Add(1)
				}
				return what
			}
		case isFinish(args):
			return plan.ends[r.ends.Add(1)]
		}
		return pass
	}, r.killNow)
}

// nameOf names a commit by what it touches and the versions it advances records from, so that it is
// known when it is sent again.
func nameOf(args []string) string {
	n, _ := strconv.Atoi(args[2])
	keys, values := args[3:3+n], args[3+n:]
	name := strings.Join(keys, " ")
	for _, key := range keys {
		_, ref, ok := strings.Cut(key, ":record:")
		if i := slices.Index(values, ref); ok && i >= 0 && i+1 < len(values) {
			name += " " + values[i+1]
		}
	}
	return name
}

// stopped ends the process with SIGTERM. One that follows a late kill is let begin first: before it
// listens for signals, SIGTERM ends it as it ends any program.
func (r *killRun) stopped() {
	r.t.Helper()
	r.proxy.on(nil, nil)
	r.until("the process that follows a late kill", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.child != nil && strings.Count(r.log.String(), `"starting"`) > int(r.kills.Load())
	})
	r.mu.Lock()
	c := r.child
	r.child = nil
	r.mu.Unlock()
	if code := c.stop(r.t); code != 0 {
		r.t.Errorf("SIGTERM ended keyholder with %d", code)
	}
}

// many is a server with a database for each run.
func many(t testing.TB) *storetest.Server { return storetest.Redis(t, "--databases", "512") }

// killed is a story that goes on whenever the program is killed.
type killed struct {
	edit   func(string) string
	before func(*killRun) // makes the world before the program starts; nil: it is as it is
	play   func(*killRun)
	judge  func(*killRun) // compares what is left with what one story may leave; the program still runs
	ends   int64          // it is also killed around every so manieth delivery; 0: around none
}

// apart is how many commits lie between the kills of one run; the story has to go on in between.
const apart = 3

// everywhere plays a story once in peace, which counts its commits, and then again until the
// program was killed before and after each of them (in the quick form, at a third of these points).
// A run has many kills. In the thorough form it has one, so that what fails is told apart, and a
// process waits for the leases of the one before.
func (k killed) everywhere(t *testing.T) {
	t.Helper()
	server := many(t)
	calm := k.run(t, server, kills{})
	commits, ends, calls := calm.commits.Load(), calm.ends.Load(), calm.calls.Load()
	if t.Failed() {
		t.Fatalf("it fails even when nobody kills it; log:\n%s", calm.log)
	}
	plans := k.plans(commits, ends)
	if sampled() {
		plans = k.few(commits, ends, calls)
	}
	t.Logf("one story: %d commits, %d of them about calls to integrator.io, %d deliveries of cards; %d more with kills",
		commits, calls, ends, len(plans))
	var planned, done atomic.Int64
	t.Run("points", func(t *testing.T) {
		for name, plan := range plans {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := k.run(t, server, plan)
				planned.Add(int64(plan.count()))
				done.Add(r.kills.Load() + r.twice.Load())
				if t.Failed() {
					t.Logf("log:\n%s", r.log)
				}
			})
		}
	})
	t.Logf("%d of %d kills", done.Load(), planned.Load())
	if done.Load() < planned.Load()*3/4 {
		t.Errorf("only %d of %d kills were tried: the stories ended before the others", done.Load(), planned.Load())
	}
}

// run plays the story once.
func (k killed) run(t *testing.T, server *storetest.Server, plan kills) *killRun {
	t.Helper()
	r := killable(t, server, k.edit)
	if k.before != nil {
		k.before(r)
	}
	r.killAt(plan)
	r.begin()
	k.play(r)
	k.judge(r)
	for _, secret := range r.tokens() {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("the log holds a secret: %.12s…", secret)
		}
	}
	return r
}

// places are every so manieth of most writes, the kinds of kill by turns.
func places(most, first, step int64, turn int) map[int64]int {
	at := map[int64]int{}
	for n := first; n <= most; n += step {
		at[n] = loseBefore + (turn+len(at))%2
	}
	return at
}

// few is a third of the points, for the quick form of the suite: two of three commits, each lost
// once, and neighbours in different ways; of those that ask for a call to integrator.io or record
// its answer, some more; and around every so manieth delivery.
func (k killed) few(commits, ends, calls int64) map[string]kills {
	plans := map[string]kills{
		"commits-01": {commits: places(commits, 1, apart, 0), calls: places(calls, 2, apart, 0)},
		"commits-02": {commits: places(commits, 2, apart, 1), calls: places(calls, 1, apart, 1)},
	}
	if k.ends > 0 {
		plans["delivered"] = kills{ends: places(ends, 1, k.ends, 0)}
	}
	return plans
}

// plans says for each run where it is killed. The kinds of kill take turns within a run, and two
// runs with the same places have them the other way round.
func (k killed) plans(commits, ends int64) map[string]kills {
	plans := map[string]kills{}
	add := func(kind string, most, first, step int64, plan func(map[int64]int) kills) {
		for turn, what := range []string{"before", "after"} {
			at := places(most, first, step, turn)
			if thorough() {
				for n := range at {
					at[n] = loseBefore + turn
				}
			}
			plans[fmt.Sprintf("%s-%s-%02d", what, kind, first)] = plan(at)
		}
	}
	ofCommits := func(at map[int64]int) kills { return kills{commits: at} }
	step := int64(apart)
	if thorough() {
		step = commits
	}
	for first := int64(1); first <= min(step, commits); first++ {
		add("commit", commits, first, step, ofCommits)
	}
	if k.ends > 0 {
		ofEnds := func(at map[int64]int) kills { return kills{ends: at} }
		if !thorough() {
			add("delivered", ends, 1, k.ends, ofEnds)
			return plans
		}
		for first := int64(1); first <= ends; first += 2 {
			add("delivered", first, first, 1, ofEnds)
		}
	}
	return plans
}

// judge compares what is recorded and what the world shows with what one transfer may leave.
func (r *killRun) judge() {
	r.t.Helper()
	r.oneInvitation()
	r.onceEach()
	r.stopped()
	all := r.export(r.path, r.url)
	got := votes(all)
	slices.Sort(got)
	if want := []string{ana, ben}; !slices.Equal(got, want) {
		r.t.Errorf("recorded votes are of %v, want %v", got, want)
	}
	for _, kind := range []string{"transfer.requested", "transfer.approved", "transfer.inviting",
		"transfer.owner_changed", "transfer.ended"} {
		if n := count(all, kind); n != 1 {
			r.t.Errorf("%s is recorded %d times, want once", kind, n)
		}
	}
}

// TestKilledAtEveryCommitATransferGoesOn kills the real program with SIGKILL before and after each
// commit of a whole transfer, and around the ends of deliveries: the message stands in Slack, and
// the record does not know of it yet.
func TestKilledAtEveryCommitATransferGoesOn(t *testing.T) {
	t.Parallel()
	k := killed{edit: quick, play: func(r *killRun) { r.handOver() }, judge: (*killRun).judge, ends: 16}
	k.everywhere(t)
}
