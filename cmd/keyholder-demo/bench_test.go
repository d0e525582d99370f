package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
	"github.com/keyholder/keyholder/workflows/transfer"
)

// Every figure stands beside bare Redis: one HGETALL and one script call that write as many bytes,
// at as many at a time, in the same run.

// atOnce are the numbers of clicks under way that are measured.
var atOnce = []int{1, 32}

// measure runs n operations, so many at a time, and reports median, 99th percentile and throughput
// under a prefix. It answers the median.
func measure(b *testing.B, prefix string, n, width int, op func(i int) error) time.Duration {
	b.Helper()
	took := make([]time.Duration, n)
	var next atomic.Int64
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	begun := time.Now()
	for range width {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				since := time.Now()
				if err := op(i); err != nil {
					failed.Store(&err)
					return
				}
				took[i] = time.Since(since)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	total := time.Since(begun)
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[n/2]), prefix+"p50-ms")
	b.ReportMetric(ms(took[n*99/100]), prefix+"p99-ms")
	b.ReportMetric(float64(n)/total.Seconds(), prefix+"per-s")
	return took[n/2]
}

// bare is the same work without Keyholder: read a hash, then write size bytes by one script.
func bare(b *testing.B, addr string, state, size, n, width int) time.Duration {
	b.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, PoolSize: width + 4})
	defer c.Close()
	ctx := context.Background()
	script := redis.NewScript(
		`redis.call('HSET', KEYS[1], 'state', ARGV[1]) redis.call('HSET', KEYS[2], 'rest', ARGV[2]) return 1`)
	a, rest := strings.Repeat("s", state), strings.Repeat("r", max(size-state, 0))
	op := func(i int) error {
		key := fmt.Sprintf("bare:%d", i%width)
		if err := c.HGetAll(ctx, key).Err(); err != nil {
			return err
		}
		return script.Run(ctx, c, []string{key, key + ":rest"}, a, rest).Err()
	}
	for i := range width {
		if err := op(i); err != nil {
			b.Fatal(err)
		}
	}
	return measure(b, "bare-", n, width, op)
}

// benchPolicies answers the same policy for every account.
type benchPolicies struct{}

func (benchPolicies) Accounts() []string { return nil }

func (benchPolicies) Policy(id string) (workflows.Policy, bool) {
	return workflows.Policy{ID: id, Name: "Account " + id, Owner: ownerEmail, Admins: []string{dee}, Token: true,
		Aliases: []workflows.Alias{{Email: aliasEmail, Holders: []string{ana, ben, cat}}},
		Transfer: workflows.TransferPolicy{Quorum: 3, ConfirmWithin: time.Hour, Cooldown: time.Hour,
			AcceptWithin: time.Hour, WatchEvery: time.Minute, OnErrors: "warn", OnShared: "warn"}}, true
}

// benchRoster knows everybody.
type benchRoster struct{}

func (benchRoster) People(_ context.Context, ids []string) (map[string]workflows.Person, error) {
	out := map[string]workflows.Person{}
	for _, id := range ids {
		out[id] = workflows.Person{ID: id, At: time.Now()}
	}
	return out, nil
}
func (benchRoster) Group(context.Context, string) ([]string, error) { return nil, nil }
func (benchRoster) ByEmail(context.Context, string) (string, error) { return "", nil }

// BenchmarkVote measures votes of real transfers, from the command to the stored record, and how
// large their commits are.
func BenchmarkVote(b *testing.B) {
	for _, fsync := range []string{"everysec", "always"} {
		server := storetest.Redis(b, "--appendfsync", fsync)
		for _, width := range atOnce {
			b.Run(fmt.Sprintf("%s/%d at a time", fsync, width), func(b *testing.B) {
				const votes = 900
				desk, _, meter := openBench(b, server.URL)
				vote := readyToVote(b, desk, fmt.Sprint("run", width), votes)
				meter.Reset()
				for i := range 30 { // how large a commit is
					if err := vote(i); err != nil {
						b.Fatal(err)
					}
				}
				size := meter.Mean()
				storetest.Comparison{What: "votes", Width: width, Turns: 5, Slice: 200 * time.Millisecond,
					Ours: func(i int64) error {
						if i += 30; i >= votes {
							return storetest.ErrSpent
						}
						return vote(int(i))
					}, Bare: storetest.BareCommands(b, server.Addr, "vote", 1, width, size)}.Run(b)
				b.ReportMetric(float64(size), "commit-bytes")
				b.ReportMetric(4000, "aim-bytes")
			})
		}
	}
}

// BenchmarkOpenTransfer prints what one open transfer takes in Redis once its checks are answered
// and its cards stand in Slack: what the server says of the memory of all its keys, over many
// transfers, each of an account of its own. What the account itself keeps (its record, its events)
// is told apart.
func BenchmarkOpenTransfer(b *testing.B) {
	const transfers = 200
	server := storetest.Redis(b)
	desk, st, _ := openBench(b, server.URL)
	ctx, cancel := context.WithCancel(context.Background())
	courier := loops.NewCourier(loops.CourierOptions{Store: st, Desk: desk, Cards: benchSlack{},
		Calls: benchSlack{}, Now: time.Now, RealNow: time.Now,
		Log: zerolog.Nop()})
	var running sync.WaitGroup
	running.Go(func() { _ = courier.Run(ctx) })
	c := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer c.Close()
	for i := range transfers {
		requestTransfer(b, desk, fmt.Sprint("open", i), "open")
	}
	// Every card is delivered, and nothing is queued but what comes again later.
	for left, deadline := 1, time.Now().Add(time.Minute); left > 0; time.Sleep(50 * time.Millisecond) {
		left = transfers - countKeys(b, c, "kh:{*}:places:*") + countKeys(b, c, "kh:{*}:queue:*")
		if time.Now().After(deadline) {
			b.Fatal("the cards were not delivered")
		}
	}
	cancel()
	running.Wait()
	all := int64(0)
	for kind, bytes := range storedBytes(b, c) {
		if kind != "account" {
			all += bytes
		}
		b.ReportMetric(float64(bytes)/transfers, kind+"-bytes")
	}
	b.ReportMetric(float64(all)/transfers, "bytes")
	b.ReportMetric(6000, "aim-bytes")
	b.ReportMetric(0, "ns/op")
}

// benchSlack takes every card, and finds at integrator.io what lets a transfer go on.
type benchSlack struct{}

// Deliver implements workflows.Deliverer.
func (benchSlack) Deliver(_ context.Context, c workflows.Claim, _ workflows.Lease) workflows.Outcome {
	if c.Effect.Call != nil {
		return workflows.Outcome{Done: true, Receipt: goodReading()}
	}
	return workflows.Outcome{Done: true, Place: workflows.Place{Channel: "D0123456789", TS: "1700000000.000100",
		Revision: c.Effect.Revision}}
}

func countKeys(b *testing.B, c *redis.Client, pattern string) (n int) {
	b.Helper()
	for keys := c.Scan(context.Background(), 0, pattern, 1000).Iterator(); keys.Next(context.Background()); {
		n++
	}
	return n
}

// storedBytes adds up the memory of all keys, by kind: "record", "events", "places", "index" for
// all lists of what is due, open and waited for, "account" for the records and events of accounts.
func storedBytes(b *testing.B, c *redis.Client) map[string]int64 {
	b.Helper()
	ctx := context.Background()
	out := map[string]int64{}
	for keys := c.Scan(ctx, 0, "kh:{*}:*", 1000).Iterator(); keys.Next(ctx); {
		_, rest, _ := strings.Cut(keys.Val(), "}:")
		kind, of, _ := strings.Cut(rest, ":")
		switch {
		case strings.HasPrefix(of, "account/"):
			kind = "account"
		case kind != "record" && kind != "events" && kind != "places":
			kind = "index"
		}
		n, err := c.MemoryUsage(ctx, keys.Val(), 0).Result()
		if err != nil {
			b.Fatal(err)
		}
		out[kind] += n
	}
	return out
}

func openBench(b *testing.B, url string) (*loops.Desk, *store.Store, *storetest.Meter) {
	b.Helper()
	meter := &storetest.Meter{}
	st := storetest.OpenWith(b, store.Options{URL: url, Shards: 16, Hook: meter, Log: zerolog.Nop()})
	return loops.NewDesk(loops.DeskOptions{Store: st, Machines: []workflows.Machine{transfer.Machine()},
		Roster: benchRoster{}, Policies: benchPolicies{},
		Now: time.Now, Log: zerolog.Nop()}), st, meter
}

// goodReading lets a transfer to the alias go on.
func goodReading() *workflows.Receipt {
	return &workflows.Receipt{Op: workflows.OpInspect, OK: true, Reading: &workflows.Reading{At: time.Now(),
		Capabilities: workflows.Capabilities{Token: workflows.Yes, ReadUsers: workflows.Yes,
			ReadTransfers: workflows.Yes},
		Target: &workflows.User{ID: "u1", Email: aliasEmail, Role: "monitor", Status: workflows.UserAccepted}}}
}

// requestTransfer opens a transfer of an account.
func requestTransfer(b *testing.B, desk *loops.Desk, account, seed string) (id string) {
	b.Helper()
	id, err := desk.NewWorkflowID("transfer", account, seed)
	if err == nil {
		_, err = desk.Do(context.Background(), workflows.Command{ID: id + "/ask", Workflow: id, Account: account,
			Name: transfer.Request, At: time.Now(),
			Actor: workflows.Actor{Kind: workflows.ByPerson, ID: dee}, Round: workflows.NoRound, Submitted: true,
			Input: map[string]string{transfer.BlockAlias: aliasEmail, transfer.BlockReason: "to measure"}})
	}
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// readyToVote opens as many transfers as n votes need and answers the i-th vote.
func readyToVote(b *testing.B, desk *loops.Desk, seed string, n int) func(i int) error {
	b.Helper()
	ids := make([]string, (n+2)/3)
	for i := range ids {
		ids[i] = requestTransfer(b, desk, fmt.Sprint(seed, i), seed)
		_, err := desk.Do(context.Background(), workflows.Command{ID: ids[i] + "/read", Workflow: ids[i],
			Name: workflows.CmdReceipt, At: time.Now(),
			Actor: workflows.Actor{Kind: workflows.ByIntegrator}, Round: workflows.NoRound, Receipt: goodReading()})
		if err != nil {
			b.Fatal(err)
		}
	}
	return func(i int) error {
		id := ids[i%len(ids)]
		who := []string{ana, ben, cat}[i/len(ids)%3]
		_, err := desk.Do(context.Background(), workflows.Command{ID: id + "/" + who, Workflow: id,
			Name: transfer.ActConfirm, At: time.Now(),
			Round: workflows.NoRound, Actor: workflows.Actor{Kind: workflows.ByPerson, ID: who}})
		return err
	}
}

// manyAccounts is a configuration of accounts without token, four holders each.
func manyAccounts(n int) string {
	var b strings.Builder
	b.WriteString("listen: \"\"\nredis: {shards: 16}\nslack: {command: /io}\naccounts:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - id: a%d\n    name: Account %d\n    owner: jane@acme.example\n    aliases:\n      - email: celigo%d@acme.example\n        holders: [%s]\n", i, i, i,
			strings.Join(holdersOf(i), ", "))
	}
	return b.String()
}

func holdersOf(account int) []string {
	var out []string
	for k := range 4 {
		out = append(out, fmt.Sprintf("U0A%dH%d", account, k))
	}
	return out
}

// BenchmarkClickToAck measures a vote from Slack's envelope to its acknowledgement, over a real
// socket and a real Redis.
func BenchmarkClickToAck(b *testing.B) {
	const accounts = 90 // a form offers at most 100
	for _, width := range atOnce {
		b.Run(fmt.Sprintf("at-%d", width), func(b *testing.B) {
			if b.N > 1 {
				b.Skip("one round is a measurement of its own")
			}
			server := storetest.Redis(b)
			s := prepare(b, options{redisURL: server.URL, edit: func(string) string { return manyAccounts(accounts) }})
			for i := range accounts {
				for _, id := range holdersOf(i) {
					s.slack.AddUser(slacksim.User{ID: id, RealName: id, Email: strings.ToLower(id) + "@acme.example"})
					s.slack.OpenDM(id)
				}
			}
			s.bot(b)
			votes := s.openAll(b, accounts)
			var acks spans
			storetest.Comparison{What: "clicks", Width: width, Slice: 100 * time.Millisecond,
				Ours: func(i int64) error {
					if i >= int64(len(votes)) {
						return storetest.ErrSpent
					}
					begun := time.Now()
					res, err := s.slack.ClickForged(s.ctx, votes[i])
					if err == nil && res.Error != "" {
						err = errors.New(res.Error)
					}
					acks.add(time.Since(begun))
					return err
					// A vote's commit is some 4 kB.
				}, Bare: storetest.BareCommands(b, server.Addr, "click", 1, width, 4<<10)}.Run(b)
			acks.report(b)
		})
	}
}

// spans are how long single operations took.
type spans struct {
	mu  sync.Mutex
	all []time.Duration
}

func (s *spans) add(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, d)
}

// report prints median and 99th percentile.
func (s *spans) report(b *testing.B) {
	slices.Sort(s.all)
	for name, d := range map[string]time.Duration{"p50-ms": s.all[len(s.all)/2], "p99-ms": s.all[len(s.all)*99/100]} {
		b.ReportMetric(float64(d.Microseconds())/1000, name)
	}
}

// openAll asks for a transfer of every account and answers two votes for each, in an order in which
// no two of one account are neighbours.
func (s *stage) openAll(b *testing.B, accounts int) []slacksim.Forged {
	b.Helper()
	var first, second []slacksim.Forged
	for i := range accounts {
		h := holdersOf(i)
		dm := s.slack.DM(h[0])
		if _, err := s.slack.SlashCommand(s.ctx, h[0], dm, "/io", fmt.Sprintf("transfer a%d", i)); err != nil {
			b.Fatal(err)
		}
		s.until("the form", func() bool { return len(s.slack.Views(h[0])) > 0 })
		res, err := s.slack.SubmitView(s.ctx, h[0], s.slack.Views(h[0])[0].ID, map[string]map[string]any{
			"new_owner_alias": {"new_owner_alias": fmt.Sprintf("celigo%d@acme.example", i)},
			"reason":          {"reason": "to measure"}})
		if err != nil || len(res.Errors) > 0 {
			b.Fatalf("ask for a%d: %v %+v", i, err, res)
		}
	}
	for i := range accounts {
		for k, list := range []*[]slacksim.Forged{&first, &second} {
			who := holdersOf(i)[k+1]
			s.until(who+"'s button", func() bool { return s.has(who, "transfer.confirm") })
			m, block, _ := s.button(who, "transfer.confirm")
			value := ""
			for _, x := range buttons(m) {
				value = x.Value
			}
			*list = append(*list, forged(who, m, block, "transfer.confirm", value))
		}
	}
	return append(first, second...)
}

// TestFigures prints what an operator wants to know of the program: its size, how soon it is
// connected, the memory it holds, and how many commits one whole transfer takes.
func TestFigures(t *testing.T) {
	redis := many(t)
	size := strippedSize(t)
	r := killable(t, redis, quick)
	r.killAt(kills{})
	binary(t)
	begun := time.Now()
	r.begin()
	connected := time.Since(begun)
	idle := r.resident()
	r.handOver()
	t.Logf("binary, static and stripped: %.1f MB; start to connected: %s; resident memory: %.1f MB when connected, %.1f MB after a whole transfer; commits of a whole transfer: %d, deliveries of cards: %d",
		size, connected.Round(time.Millisecond), idle, r.resident(), r.commits.Load(), r.ends.Load())
	if size > 60 || connected > 15*time.Second || r.commits.Load() > 60 {
		t.Error("one of the figures is far from what it was when this test was written")
	}
	r.judge()
}

// strippedSize builds the program as it is shipped and answers its size in MB; 0 where only a part of the
// combinations is tried, for nothing else of the suite needs that build.
func strippedSize(t *testing.T) float64 {
	t.Helper()
	if sampled() {
		return 0
	}
	stripped := filepath.Join(t.TempDir(), "keyholder")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", stripped, "../keyholder")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	info, err := os.Stat(stripped)
	if err != nil {
		t.Fatal(err)
	}
	return float64(info.Size()) / 1e6
}

// resident is the memory that the process holds, in MB; 0 where the system does not tell.
func (r *killRun) resident() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.child.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		var kb float64
		if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kb); err == nil {
			return kb / 1000
		}
	}
	return 0
}
