package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// manyReviewers is how many share a large review.
const manyReviewers = 40

// panelOf are the reviewers of a large review.
func panelOf() []string {
	var out []string
	for i := range manyReviewers {
		out = append(out, fmt.Sprintf("U0REVIEW%02d", i+1))
	}
	return out
}

// wide is the configuration with forty reviewers.
func wide(yaml string) string {
	return strings.Replace(quick(yaml), "reviewers: [U0DEE, U0ANA], timezone: Europe/London",
		"reviewers: ["+strings.Join(panelOf(), ", ")+"], timezone: UTC", 1)
}

// crowdIn adds users to production, one in twenty of them an administrator and one in ten long
// absent, and the reviewers, who are users as well, to Slack.
func (s *stage) crowdIn(users int) {
	env, now := s.account().Production(), s.clock.Now()
	add := func(email, name string, i int) {
		u := integratorsim.User{Email: email, Name: name, Role: "monitor", MFARequired: true,
			LastSignIn: now.AddDate(0, 0, -3), CreatedAt: now.AddDate(0, 0, -200)}
		switch {
		case i%20 == 7:
			u.Role = "administrator"
		case i%10 == 3:
			u.LastSignIn = now.AddDate(0, 0, -120)
		case i%4 == 0:
			u.Role = "manage"
		}
		env.AddUser(u)
	}
	for i, id := range panelOf() {
		email := strings.ToLower(id) + "@acme.example"
		s.slack.AddUser(slacksim.User{ID: id, Name: strings.ToLower(id), RealName: "Reviewer " + id[len(id)-2:],
			Email: email, TZ: "UTC"})
		s.slack.OpenDM(id)
		add(email, "Reviewer "+id[len(id)-2:], i)
	}
	for i := manyReviewers; i < users; i++ {
		add(fmt.Sprintf("user%04d@acme.example", i), fmt.Sprint("User ", i), i)
	}
}

// allAsked waits until every reviewer has the button.
func (s *stage) allAsked() {
	s.t.Helper()
	left := panelOf()
	s.until("every reviewer to be asked", func() bool {
		for len(left) > 0 && s.has(left[0], "review.open") {
			left = left[1:]
		}
		return len(left) == 0
	})
}

// clicked is something a person did in a form and when, to be compared with when the form's next content came.
type clicked struct {
	view string
	at   time.Time
}

// reader goes through packets and keeps what was clicked.
type reader struct {
	*stage
	mu     sync.Mutex
	turns  []clicked
	remove map[string]bool // who has removed somebody
}

// work opens somebody's part and decides on every page, or keeps all together from the first page
// on that holds nothing to explain.
func (r *reader) work(who string, together bool) error {
	if err := r.click(who, "review.open"); err != nil {
		return err
	}
	v, err := r.shown(who, "")
	if err != nil {
		return err
	}
	for {
		page, of, ok := pageOf(v)
		if !ok {
			return fmt.Errorf("%s sees %q", who, v.Title)
		}
		if together && page > 1 && !strings.Contains(string(v.Blocks), "Needed to keep it") {
			if v, err = r.act(who, v, "review.keep_all", nil); err != nil {
				return err
			}
			err := r.slack.CloseView(r.ctx, who, v.ID)
			if err == nil && !strings.Contains(string(v.Blocks), "it is not signed off yet") {
				return r.work(who, false) // what wants a reason of its own, such as API tokens
			}
			return err
		}
		fields := pageFields(r.t, v, r.decide(who))
		if page == of {
			res, err := r.slack.SubmitView(r.ctx, who, v.ID, fields)
			if err == nil && (res.Error != "" || len(res.Errors) > 0) {
				err = fmt.Errorf("%s submits: %+v", who, res)
			}
			return err
		}
		if v, err = r.act(who, v, "review.next", fields); err != nil {
			return err
		}
	}
}

// plainUser is the address of somebody who may be removed, as a row shows it.
var plainUser = regexp.MustCompile(`user\d{4}@acme\.example`)

// decide keeps everybody but the first user that every fifth reviewer sees.
func (r *reader) decide(who string) func(string) (string, string, string) {
	removes := slices.Index(panelOf(), who)%5 == 0
	return func(text string) (string, string, string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if removes && !r.remove[who] && plainUser.MatchString(text) {
			r.remove[who] = true
			return "remove", "", "Has left"
		}
		return keepWithReason(text)
	}
}

// click presses a button of the person's card.
func (r *reader) click(who, action string) error {
	m, block, ok := r.button(who, action)
	if !ok {
		return fmt.Errorf("%s has no %s", who, action)
	}
	res, err := r.slack.Click(r.ctx, who, m.Channel, m.TS, block, action)
	if err == nil && res.Error != "" {
		err = fmt.Errorf("%s presses %s: %s", who, action, res.Error)
	}
	return err
}

// act fills in a page and presses one of its buttons, and answers what is shown then.
func (r *reader) act(who string, v slacksim.View, action string, fields map[string]map[string]any) (slacksim.View,
	error) {
	if err := r.slack.Fill(who, v.ID, fields); err != nil {
		return v, err
	}
	begun := time.Now()
	res, err := r.slack.ViewAction(r.ctx, who, v.ID, r.viewBlock(v), action)
	if err == nil && res.Error != "" {
		err = fmt.Errorf("%s presses %s: %s", who, action, res.Error)
	}
	if err != nil {
		return v, err
	}
	r.mu.Lock()
	r.turns = append(r.turns, clicked{v.ID, begun})
	r.mu.Unlock()
	return r.shown(who, v.Hash)
}

// shown waits for a form that is not the one that was.
func (r *reader) shown(who, was string) (slacksim.View, error) {
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	var v slacksim.View
	err := r.slack.Wait(ctx, func(n *slacksim.Snapshot) bool {
		views := n.Views(who)
		if len(views) == 0 || views[len(views)-1].Hash == was {
			return false
		}
		v = views[len(views)-1]
		return true
	})
	if err != nil {
		err = fmt.Errorf("%s waited in vain for a form: %w", who, err)
	}
	return v, err
}

// abreast lets some people do something, so many at a time.
func abreast(t testing.TB, people []string, width int, do func(who string) error) {
	t.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	for range width {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(people) {
					return
				}
				if err := do(people[i]); err != nil {
					t.Errorf("%v", err)
					return
				}
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// ours is how long the bot took from each click in a form to its call of Slack, Slack's own time left out; sorted.
func (r *reader) ours(from int) []time.Duration {
	calls := map[string][]time.Time{}
	for _, c := range r.slack.Calls() {
		if id, _ := c.Args["view_id"].(string); c.Method == "views.update" && c.OK {
			calls[id] = append(calls[id], c.Time)
		}
	}
	var out []time.Duration
	for _, c := range r.turns[from:] {
		i := slices.IndexFunc(calls[c.view], func(at time.Time) bool { return at.After(c.at) })
		if i < 0 {
			r.t.Errorf("no page followed a click in %s", c.view)
			continue
		}
		out = append(out, calls[c.view][i].Sub(c.at))
	}
	slices.Sort(out)
	return out
}

// quantiles says them for a log.
func quantiles(sorted []time.Duration) string {
	if len(sorted) == 0 {
		return "none"
	}
	at := func(p int) time.Duration {
		return sorted[min(len(sorted)*p/100, len(sorted)-1)].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("%d, p50 %s, p99 %s, longest %s", len(sorted), at(50), at(99),
		sorted[len(sorted)-1].Round(100*time.Microsecond))
}

// commitsOf counts commits and their bytes, and knows when the last one with some event went to Redis.
type commitsOf struct {
	mu      sync.Mutex
	n       int // with the event
	last    time.Time
	all     int
	size    int
	largest int
}

// String says how many and how large they were.
func (c *commitsOf) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%d commits of %.2f MB, on average %.1f kB, the largest %.1f kB", c.all, float64(c.size)/1e6,
		float64(c.size)/1e3/float64(max(c.all, 1)), float64(c.largest)/1e3)
}

func (c *commitsOf) watch(p *redisProxy, event string) {
	p.on(func(args []string) int {
		if !isCommit(args) {
			return pass
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		size := 0
		for _, a := range args {
			size += len(a)
		}
		c.all, c.size, c.largest = c.all+1, c.size+size, max(c.largest, size)
		if slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, event) }) {
			since := time.Now()
			c.n, c.last = c.n+1, since
		}
		return pass
	}, nil)
}

// storedMB is what a Redis holds, in MB, and how many keys.
func storedMB(t testing.TB, url string) (mb float64, keys int64) {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	defer c.Close()
	iter := c.Scan(context.Background(), 0, "*", 1000).Iterator()
	for iter.Next(context.Background()) {
		n, err := c.MemoryUsage(context.Background(), iter.Val(), 0).Result()
		if err != nil {
			continue // gone meanwhile
		}
		mb, keys = mb+float64(n)/1e6, keys+1
	}
	if err := iter.Err(); err != nil {
		t.Fatal(err)
	}
	return mb, keys
}

// TestAReviewOfFiveThousandUsersByFortyReviewers drives the real program through a large review.
// What it logs is for operators and benchmarks; it fails only for what is wrong, or far from what
// was measured when it was written.
func TestAReviewOfFiveThousandUsersByFortyReviewers(t *testing.T) {
	server := many(t)
	users := 5000
	if sampled() {
		users = 1000
	}
	k := killable(t, server, wide)
	k.crowdIn(users)
	k.begin()
	r := &reader{stage: k.stage, remove: map[string]bool{}}
	idle := k.resident()
	empty, _ := storedMB(t, k.url)

	var opened commitsOf
	opened.watch(k.proxy, "packet.opened")
	begun := time.Now()
	res := r.startWide()
	id := campaignID(res.Text)
	delivered := time.Since(begun)
	k.proxy.on(nil, nil)
	t.Logf("%d users, %d reviewers: the command was answered after %s; the last packet was committed after %s and its card delivered after %s; %s",
		users, opened.n, res.Took.Round(time.Millisecond), opened.last.Sub(begun).Round(time.Millisecond),
		delivered.Round(time.Millisecond), &opened)
	if opened.n != manyReviewers {
		t.Errorf("%d packets were opened, want %d", opened.n, manyReviewers)
	}
	if delivered > 60*time.Second {
		t.Errorf("the last card came after %s", delivered)
	}
	open := k.resident()
	mb, keys := storedMB(t, k.url)
	t.Logf("stored: %.1f MB in %d keys; resident: %.1f MB idle, %.1f MB after opening", mb-empty, keys, idle, open)
	r.status(id)

	r.goThrough(k.proxy)
	r.status(id)
	driven := k.resident()
	r.signAll(id)
	mb, keys = storedMB(t, k.url)
	t.Logf("stored: %.1f MB in %d keys; resident: %.1f MB when all was decided, %.1f MB at the end", mb-empty, keys,
		driven, k.resident())
	if end := k.resident(); end > 2*open+150 {
		t.Errorf("resident memory grew from %.1f MB to %.1f MB", open, end)
	}
	r.onceEach()
	r.exportedAtSize(k, id)
}

// goThrough lets everybody decide everything: eight people one after the other, sixteen page by
// page eight at a time, the others with one button for what needs no reason.
func (r *reader) goThrough(p *redisProxy) {
	r.t.Helper()
	people := panelOf()
	var saved commitsOf
	saved.watch(p, "packet.saved")
	abreast(r.t, people[:8], 1, func(who string) error { return r.work(who, false) })
	p.on(nil, nil)
	alone := r.ours(0)
	r.t.Logf("pages, one at a time: %s; %s", quantiles(alone), &saved)
	abreast(r.t, people[8:24], 8, func(who string) error { return r.work(who, false) })
	r.t.Logf("pages, eight at a time: %s", quantiles(r.ours(len(alone))))
	abreast(r.t, people[24:], 8, func(who string) error { return r.work(who, true) })
	if middle := alone[len(alone)/2]; middle > time.Second {
		r.t.Errorf("half of all pages took longer than %s", middle)
	}
}

// status asks how the review stands, again and again.
func (r *reader) status(id string) {
	r.t.Helper()
	var took []time.Duration
	text := ""
	for range 20 {
		res, err := r.slack.SlashCommand(r.ctx, dee, opsRoom, "/io", "review acme status")
		if err != nil || res.Error != "" || !strings.Contains(res.Text, id) {
			r.t.Fatalf("status: %v %+v", err, res)
		}
		text, took = res.Text, append(took, res.Took)
	}
	slices.Sort(took)
	r.t.Logf("status, %d characters: %s", len(text), quantiles(took))
	if middle := took[len(took)/2]; middle > 2*time.Second {
		r.t.Errorf("half of all answers took longer than %s", middle)
	}
	if strings.Count(text, "<@U0REVIEW") != manyReviewers {
		r.t.Errorf("status names %d reviewers: %s", strings.Count(text, "<@U0REVIEW"), text)
	}
}

// signAll lets everybody sign at once, and waits until all that was decided is carried out.
func (r *reader) signAll(id string) {
	r.t.Helper()
	r.until("every card to offer its signature", func() bool {
		return !slices.ContainsFunc(panelOf(), func(who string) bool {
			return !strings.Contains(r.all(who), "it is not signed off yet")
		})
	})
	before := len(r.integrator.Log())
	begun := time.Now()
	abreast(r.t, panelOf(), 8, func(who string) error { return r.click(who, "review.sign") })
	signed := time.Since(begun)
	r.until("the end", func() bool { return r.stageOf(id) == "completed" })
	r.t.Logf("%d signatures in %s; %d removals carried out and verified %s later", manyReviewers,
		signed.Round(time.Millisecond), len(r.remove), (time.Since(begun) - signed).Round(time.Millisecond))
	r.t.Logf("requests at integrator.io meanwhile: %s", requests(r.integrator.Log()[before:]))
	if n := r.account().Effects("DELETE /v1/ashares/{id}"); n != len(r.remove) {
		r.t.Errorf("%d users were removed, want %d", n, len(r.remove))
	}
}

// requests counts requests by method and path, IDs and pages left out.
func requests(all []integratorsim.Call) string {
	n := map[string]int{}
	for _, c := range all {
		n[c.Method+" "+objectID.ReplaceAllString(c.Path, "ID")]++
	}
	var out []string
	for _, route := range slices.Sorted(maps.Keys(n)) {
		out = append(out, fmt.Sprintf("%d %s", n[route], route))
	}
	return strings.Join(out, ", ")
}

// exportedAtSize exports the review, and verifies files and record.
func (r *reader) exportedAtSize(k *killRun, id string) {
	r.t.Helper()
	dir := filepath.Join(r.t.TempDir(), "evidence")
	begun := time.Now()
	r.exported(id, dir)
	took := time.Since(begun)
	var size int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil {
				size += info.Size()
			}
		}
		return err
	})
	r.bundle(dir)
	begun = time.Now()
	out, code := r.command(k.url, "audit", "verify", "--config", k.path)
	if code != 0 {
		r.t.Errorf("audit verify ended with %d: %s", code, out)
	}
	r.t.Logf("exported %.1f MB in %s; audit verify %s: %s", float64(size)/1e6, took.Round(time.Millisecond),
		time.Since(begun).Round(time.Millisecond), strings.TrimSpace(out))
}

// limited counts the calls of the Web API that were refused for being too many, by method.
func (s *stage) limited() (refused int, by map[string]int, all int) {
	by = map[string]int{}
	calls := s.slack.Calls()
	for _, c := range calls {
		if c.Status == 429 {
			refused++
			by[c.Method]++
		}
	}
	return refused, by, len(calls)
}

// TestFortyReviewersAreAskedAndRemindedWithinSlacksRates asks, reminds and hears forty people while Slack counts calls.
func TestFortyReviewersAreAskedAndRemindedWithinSlacksRates(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{edit: func(yaml string) string {
		return strings.Replace(wide(yaml), "timezone: UTC", `timezone: UTC, hours: "", days: "", remind_every: 3d`, 1)
	}})
	s.crowdIn(200)
	s.slack.SetRateLimits(true)
	s.bot(t)
	begun, was := time.Now(), 0
	step := func(what string, most int) {
		refused, by, all := s.limited()
		t.Logf("%s after %s: %d calls so far, %d of them refused as too many: %v", what,
			time.Since(begun).Round(time.Millisecond), all, refused, by)
		if refused-was > most {
			t.Errorf("%s: %d calls were refused as too many, more than %d: %v", what, refused-was, most, by)
		}
		was = refused
	}
	r := &reader{stage: s, remove: map[string]bool{}}
	for _, who := range panelOf() {
		r.remove[who] = true // everybody is kept
	}
	id := campaignID(r.startWide().Text)
	step("all asked", 10)
	s.forward(3*24*time.Hour + time.Minute)
	s.until("everybody to be reminded", func() bool {
		return !slices.ContainsFunc(panelOf(), func(who string) bool { return !s.inThread(who, "left in your review") })
	})
	step("all reminded", 10)
	abreast(t, panelOf(), 8, func(who string) error { return r.work(who, false) })
	step("all decided", 40)
	abreast(t, panelOf(), 8, func(who string) error { return r.click(who, "review.sign") })
	s.until("the end", func() bool { return s.stageOf(id) == "completed" })
	step("all signed", 40)
	s.onceEach()
}

// TestFortyLateReviewersAreNotFollowedByOnePerson lets nobody finish: each gets somebody else's
// packet, and nobody gets all of them.
func TestFortyLateReviewersAreNotFollowedByOnePerson(t *testing.T) {
	t.Parallel()
	s := start(t, options{edit: func(yaml string) string {
		return strings.Replace(wide(yaml), "timezone: UTC", `timezone: UTC, hours: "", days: ""`, 1)
	}})
	s.crowdIn(100)
	(&reader{stage: s}).startWide()
	s.forward(7*24*time.Hour + time.Hour)
	parts := func() (all, most int) {
		for _, who := range append(panelOf(), everybody...) {
			n := 0
			for _, m := range s.slack.Messages(s.slack.DM(who)) {
				if slices.ContainsFunc(buttons(m), func(b placed) bool { return b.ActionID == "review.open" }) {
					n++
				}
			}
			all, most = all+n, max(most, n)
		}
		return all, most
	}
	s.until("a second person in every packet", func() bool { all, _ := parts(); return all >= 2*manyReviewers })
	if all, most := parts(); most > 4 {
		t.Errorf("of %d cards that ask for a part one person has %d", all, most)
	}
}
