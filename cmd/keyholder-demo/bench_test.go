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
	"github.com/keyholder/keyholder/workflows/transfer"
)

// Every figure stands beside bare Redis: one HGETALL and one script call that write as many bytes, at as many at a time, in the same run.

// atOnce are the numbers of clicks under way that are measured.
var atOnce = []int{1, 32}

// measure runs n operations, so many at a time, and reports median, 99th percentile and throughput under a prefix. It answers the median.
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
	script := redis.NewScript(`redis.call('HSET', KEYS[1], 'state', ARGV[1]) redis.call('HSET', KEYS[2], 'rest', ARGV[2]) return 1`)
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
		Aliases:  []workflows.Alias{{Email: aliasEmail, Holders: []string{ana, ben, cat}}},
		Transfer: workflows.TransferPolicy{Quorum: 3, ConfirmWithin: time.Hour, Cooldown: time.Hour, AcceptWithin: time.Hour, WatchEvery: time.Minute, OnErrors: "warn", OnShared: "warn"}}, true
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

// BenchmarkLoadDecideCommit measures a vote from the command to the stored record.
func BenchmarkLoadDecideCommit(b *testing.B) {
	for _, width := range atOnce {
		b.Run(fmt.Sprintf("at-%d", width), func(b *testing.B) {
			server := storetest.Redis(b)
			proxy := proxyRedis(b, server.Addr)
			n := 3 * max(200, b.N/3)
			// How large a commit of a vote is, seen on the wire.
			seen := openBench(b, proxy.url(0))
			voters := readyToVote(b, seen, "size", 3)
			var bytes, commits atomic.Int64
			proxy.on(func(args []string) int {
				if isCommit(args) {
					commits.Add(1)
					for _, a := range args {
						bytes.Add(int64(len(a)))
					}
				}
				return pass
			}, nil)
			for i := range 3 {
				if err := voters(i); err != nil {
					b.Fatal(err)
				}
			}
			size := int(bytes.Load() / commits.Load())
			vote := readyToVote(b, openBench(b, server.URL), "run", n)
			b.ResetTimer()
			ours := measure(b, "", n, width, vote)
			b.StopTimer()
			plain := bare(b, server.Addr, 2<<10, size, n, width)
			b.ReportMetric(float64(ours)/float64(plain), "times-bare")
			b.ReportMetric(float64(size), "commit-bytes")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func openBench(b *testing.B, url string) *workflows.Desk {
	b.Helper()
	st, err := store.Open(context.Background(), store.Options{URL: url, Shards: 16})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	return workflows.NewDesk(workflows.DeskOptions{Store: st, Machines: []workflows.Machine{transfer.Machine()}, Roster: benchRoster{}, Policies: benchPolicies{},
		Now: time.Now, Log: zerolog.Nop()})
}

// readyToVote opens as many transfers as n votes need and answers the i-th vote.
func readyToVote(b *testing.B, desk *workflows.Desk, seed string, n int) func(i int) error {
	b.Helper()
	ctx := context.Background()
	ids := make([]string, (n+2)/3)
	for i := range ids {
		account := fmt.Sprintf("%s%d", seed, i)
		id, err := desk.NewWorkflowID("transfer", account, seed)
		if err != nil {
			b.Fatal(err)
		}
		ids[i] = id
		do := func(c workflows.Command) {
			c.Workflow, c.Account, c.At = id, account, time.Now()
			if _, err := desk.Do(ctx, c); err != nil {
				b.Fatal(err)
			}
		}
		do(workflows.Command{ID: id + "/ask", Name: transfer.Request, Actor: workflows.Actor{Kind: workflows.ByPerson, ID: dee}, Round: workflows.NoRound,
			Input: map[string]string{transfer.BlockAlias: aliasEmail, transfer.BlockReason: "to measure"}, Submitted: true})
		do(workflows.Command{ID: id + "/read", Name: workflows.CmdReceipt, Actor: workflows.Actor{Kind: workflows.ByIntegrator}, Round: workflows.NoRound,
			Receipt: &workflows.Receipt{Op: workflows.OpInspect, OK: true, Reading: &workflows.Reading{At: time.Now(),
				Capabilities: workflows.Capabilities{Token: workflows.Yes, ReadUsers: workflows.Yes, ReadTransfers: workflows.Yes},
				Target:       &workflows.User{ID: "u1", Email: aliasEmail, Role: "monitor", Status: workflows.UserAccepted}}}})
	}
	return func(i int) error {
		id := ids[i%len(ids)]
		who := []string{ana, ben, cat}[i/len(ids)%3]
		_, err := desk.Do(ctx, workflows.Command{ID: id + "/" + who, Workflow: id, Name: transfer.ActConfirm, At: time.Now(), Round: workflows.NoRound,
			Actor: workflows.Actor{Kind: workflows.ByPerson, ID: who}})
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

// BenchmarkClickToAck measures a vote from Slack's envelope to its acknowledgement, over a real socket and a real Redis.
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
			ours := measure(b, "", len(votes), width, func(i int) error {
				res, err := s.slack.ClickForged(s.ctx, votes[i])
				if err == nil && res.Error != "" {
					err = errors.New(res.Error)
				}
				return err
			})
			for i := range accounts {
				who := holdersOf(i)[1]
				s.until(who+"'s vote on the card", func() bool { return strings.Contains(s.card(who), "<@"+who+"> confirmed") })
			}
			plain := bare(b, server.Addr, 2<<10, 12<<10, len(votes), width)
			b.ReportMetric(float64(ours)/float64(plain), "times-bare")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// openAll asks for a transfer of every account and answers two votes for each, in an order in which no two of one account are neighbours.
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
			"new_owner_alias": {"new_owner_alias": fmt.Sprintf("celigo%d@acme.example", i)}, "reason": {"reason": "to measure"}})
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

// TestFigures prints what an operator wants to know of the program: its size, how soon it is connected, the memory it holds, and how many
// commits one whole transfer takes.
func TestFigures(t *testing.T) {
	redis := many(t)
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
	r := killable(t, redis, quick)
	r.killAt(isCommit, -1, pass)
	binary(t)
	begun := time.Now()
	r.begin()
	connected := time.Since(begun)
	idle := r.resident()
	r.handOver()
	t.Logf("binary, static and stripped: %.1f MB; start to connected: %s; resident memory: %.1f MB when connected, %.1f MB after a whole transfer; commits of a whole transfer: %d, deliveries of cards: %d",
		float64(info.Size())/1e6, connected.Round(time.Millisecond), idle, r.resident(), r.commits.Load(), r.ends.Load())
	if info.Size() > 60e6 || connected > 15*time.Second || r.commits.Load() > 60 {
		t.Error("one of the figures is far from what it was when this test was written")
	}
	r.judge()
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
