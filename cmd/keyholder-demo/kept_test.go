package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
	"github.com/keyholder/keyholder/workflows/record"
)

// testdata/kept holds what Redises held at moments of real stories: made by the real bot with both simulators (see
// kept_stories_test.go), never by hand. Every later version must be able to go on from each. See README.md there.

// keptFolder is where they are; keptSums lists each file's SHA-256, so that no later change rewrites one unseen.
const (
	keptFolder = "testdata/kept"
	keptSums   = keptFolder + "/SHA256SUMS"
)

// keptHead is the first line of a file: whose story it is, where in it, and the demo's time then.
type keptHead struct {
	Story string    `json:"story"`
	Shot  string    `json:"shot"`
	Taken time.Time `json:"taken"`
	// Sealed says that it was sealed with the demo's key.
	Sealed bool `json:"sealed,omitempty"`
}

// keptLines reads a Redis as the commands that make it again, one JSON array a line, in the order of the keys' names.
// What says which processes run is left out.
func keptLines(t testing.TB, c *redis.Client) []byte {
	t.Helper()
	ctx := context.Background()
	var out bytes.Buffer
	write := func(command ...string) {
		for _, word := range command {
			if !utf8.ValidString(word) {
				t.Fatalf("%s holds what is no text", command[1])
			}
		}
		line, err := json.Marshal(command)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(line, '\n'))
	}
	keys, err := c.Keys(ctx, "kh:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if key == "kh:processes" {
			continue
		}
		switch kind := c.Type(ctx, key).Val(); kind {
		case "hash":
			fields := c.HGetAll(ctx, key).Val()
			command := []string{"HSET", key}
			for _, f := range sorted(fields) {
				command = append(command, f, fields[f])
			}
			write(command...)
		case "list":
			for _, v := range c.LRange(ctx, key, 0, -1).Val() {
				write("RPUSH", key, v)
			}
		case "zset":
			command := []string{"ZADD", key}
			for _, z := range c.ZRangeWithScores(ctx, key, 0, -1).Val() {
				command = append(command, fmt.Sprintf("%.0f", z.Score), fmt.Sprint(z.Member))
			}
			write(command...)
		default:
			t.Fatalf("%s is a %s, which nobody here writes", key, kind)
		}
	}
	return out.Bytes()
}

func sorted(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// keptRedis makes a Redis again.
func keptRedis(t testing.TB, path string) (keptHead, string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	server := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer c.Close()
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, len(raw)+1)
	var head keptHead
	for n := 0; lines.Scan(); n++ {
		if n == 0 {
			if err := json.Unmarshal(lines.Bytes(), &head); err != nil || head.Taken.IsZero() {
				t.Fatalf("%s: the first line says nothing of when it was taken: %v", path, err)
			}
			continue
		}
		var command []any
		if err := json.Unmarshal(lines.Bytes(), &command); err != nil {
			t.Fatalf("%s:%d: %v", path, n+1, err)
		}
		if err := c.Do(context.Background(), command...).Err(); err != nil {
			t.Fatalf("%s:%d: %v", path, n+1, err)
		}
	}
	return head, "redis://" + server.Addr() + "/0"
}

// keptFiles are all that is kept, in the order of their names.
func keptFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(keptFolder + "/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing is kept in %s: %v", keptFolder, err)
	}
	return files
}

// keptName is a story and where in it a file was taken.
var keptName = regexp.MustCompile(`^(.*)-\d\d-`)

// keptPart is what the quick form of the suite goes on from: of each story the end, which holds all
// that happened in it, and every third moment before. Any other form has all files.
func keptPart(t testing.TB) []string {
	t.Helper()
	all := keptFiles(t)
	if !sampled() {
		return all
	}
	var part []string
	later := map[string]int{} // files of a story that follow
	for _, path := range slices.Backward(all) {
		name := keptName.FindStringSubmatch(filepath.Base(path))
		if name == nil {
			t.Fatalf("%s says neither its story nor where in it", path)
		}
		story := name[1]
		if later[story]%3 == 0 {
			part = append(part, path)
		}
		later[story]++
	}
	return part
}

// keptKinds are the machines of which there are at least this many records, over all files, open
// and ended; "decided" is how many of the commands given to them were not refused.
var keptKinds = map[string]int{"transfer": 10, "access": 10, "finding": 4, "campaign": 4, "packet": 8, "recovery": 6,
	"key": 5, "signin": 1,
	"drill": 3, "authenticator": 15, "account": 30, "person": 5, "ledger": 30, "governance": 30, "decided": 150}

// No later change may break what stands in somebody's Redis: each record that was ever kept is
// folded and is what its events say; it holds to audit verify, and can be decided on (in the quick
// form of the suite: those of keptPart).
func TestWhatWasEverKeptIsStillUnderstood(t *testing.T) {
	t.Parallel()
	files, part := keptFiles(t), keptPart(t)
	sameAsEver(t, files)
	seen := map[string]int{}
	t.Run("files", func(t *testing.T) {
		for _, path := range files {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".jsonl"), func(t *testing.T) {
				head, url := keptRedis(t, path)
				goesOn(t, head, url, seen, slices.Contains(part, path))
			})
		}
	})
	t.Logf("read: %v", seen)
	for kind, least := range keptKinds {
		if kind == "decided" {
			least = least * len(part) / len(files)
		}
		if seen[kind] < least {
			t.Errorf("%d records of %q are kept in all, want %d at least: %v", seen[kind], kind, least, seen)
		}
	}
}

// sameAsEver compares the files with their sums.
func sameAsEver(t *testing.T, files []string) {
	t.Helper()
	raw, err := os.ReadFile(keptSums)
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		if sum, name, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
			sums[name] = sum
		}
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, sum := filepath.Base(path), sha256.Sum256(text)
		if sums[name] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s is not what was once kept. What a Redis held then cannot change afterwards: take it back from the history.", name)
		}
		delete(sums, name)
	}
	for name := range sums {
		t.Errorf("%s was kept once and is gone: take it back from the history", name)
	}
}

// keptOptions open what is kept, with its key where it is sealed.
func keptOptions(t *testing.T, head keptHead, url string) store.Options {
	t.Helper()
	o := store.Options{URL: url, Log: zerolog.Nop()}
	if head.Sealed {
		key, err := base64.StdEncoding.DecodeString(demoSealKey)
		if err != nil {
			t.Fatal(err)
		}
		o.SealKeys = [][]byte{key}
	}
	return o
}

// goesOn starts from what is kept as a new version would: it compares, and then, where that is asked for, sets again
// what is wanted, and decides.
func goesOn(t *testing.T, head keptHead, url string, seen map[string]int, decides bool) {
	ctx := context.Background()
	st := storetest.OpenWith(t, keptOptions(t, head, url))
	refs, err := st.Refs(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		asStored(t, st, ref, seen)
	}
	if t.Failed() || !decides {
		return
	}
	now := head.Taken
	desk := loops.NewDesk(loops.DeskOptions{Store: st, Machines: serve.Machines(),
		Roster:   keptPeople{func() time.Time { return now }},
		Policies: keptPolicies{}, Now: func() time.Time { return now }, Log: zerolog.Nop()})
	// A newer version may want other timers and cards than the one that stored this; its start sets them.
	if _, err := desk.Sweep(ctx); err != nil {
		t.Fatalf("the sweep at the start: %v", err)
	}
	keptHolds(t, st, "before anything is decided")
	for _, ref := range refs {
		if ref.Kind == workflows.KindWorkflow || ref.Kind == workflows.KindLedger {
			for _, cmd := range oneMore(t, st, ref, head.Taken) {
				now = cmd.At
				var refused *workflows.Refusal
				switch _, err := desk.Do(ctx, cmd); {
				case err == nil:
					seen["decided"]++
				case !errors.As(err, &refused):
					t.Errorf("%s cannot be decided on: %s of %s: %v", ref.ID, cmd.Name, cmd.Actor.ID, err)
				}
			}
		}
	}
	keptHolds(t, st, "after one more decision of each")
}

// asStored folds a record and compares it with what is stored of it.
func asStored(t *testing.T, st *store.Store, ref workflows.Ref, seen map[string]int) {
	t.Helper()
	rec, _, err := st.Stored(context.Background(), ref)
	if err != nil {
		t.Errorf("read %s %s: %v", ref.Kind, ref.ID, err)
		return
	}
	seen[rec.Machine]++
	folded, err := workflows.Refold(context.Background(), st, serve.Machines(), rec)
	switch {
	case err != nil:
		t.Errorf("fold %s %s: %v", ref.Kind, ref.ID, err)
	case rec.Schema > folded.Schema:
		t.Errorf("%s %s has schema %d, this version only knows %d: a schema never goes back", ref.Kind, ref.ID,
			rec.Schema, folded.Schema)
	case rec.Schema == folded.Schema && !bytes.Equal(rec.State, folded.State):
		t.Errorf("%s %s is folded to another state than is stored. Where events are to mean something else now, or a state has other fields, "+
			"raise the machine's Schema.\nstored %s\nfolded %s", ref.Kind, ref.ID, rec.State, folded.State)
	}
}

// keptHolds does what audit verify does.
func keptHolds(t *testing.T, st *store.Store, when string) {
	t.Helper()
	ctx := context.Background()
	failed := func(ref workflows.Ref, err error) { t.Errorf("%s, %s %s: %v", when, ref.Kind, ref.ID, err) }
	if _, _, err := st.VerifyAll(ctx, failed); err != nil {
		t.Fatal(err)
	}
	refs, err := st.Refs(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := record.Verify(ctx, st, serve.Machines(), refs, func(workflows.Ref) bool {
		return true
	}, failed); err != nil {
		t.Fatal(err)
	}
	if _, err := st.VerifyLedger(ctx, nil, failed); err != nil {
		t.Fatal(err)
	}
}

// oneMore is what comes next for a workflow: a press of the first button that somebody sees, then its next timer; for
// one that has ended, a press of a button that no card shows any more.
func oneMore(t *testing.T, st *store.Store, ref workflows.Ref, at time.Time) (out []workflows.Command) {
	t.Helper()
	recs, err := st.Load(context.Background(), ref)
	if err != nil {
		t.Fatal(err)
	}
	letter, _, _ := workflows.ParseID(ref.ID)
	i := slices.IndexFunc(serve.Machines(), func(m workflows.Machine) bool { return m.Letter() == letter })
	m := serve.Machines()[i]
	state := m.New()
	if recs[0].Schema == m.Schema() {
		state, err = m.Decode(recs[0].State)
	} else {
		var events []workflows.Event
		if events, err = st.Chain(context.Background(), recs[0]); err == nil {
			state, err = workflows.Fold(m, events)
		}
	}
	if err != nil {
		t.Errorf("read %s: %v", ref.ID, err)
		return nil
	}
	view := m.View(state)
	press := workflows.Command{ID: "kept/press/" + ref.ID, Workflow: ref.ID, At: at, Round: workflows.NoRound,
		Name:  m.Name() + ".nothing",
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: dee}}
	for _, card := range view.Cards {
		if len(card.Buttons) > 0 && strings.HasPrefix(card.Recipient, "U") && strings.HasPrefix(card.Buttons[0].Action,
			m.Name()+".") {
			press.Name, press.Actor.ID, press.Round = card.Buttons[0].Action, card.Recipient, card.Round
			break
		}
	}
	out = append(out, press)
	timers := slices.Clone(view.Timers)
	slices.SortFunc(timers, func(a, b workflows.Timer) int { return a.At.Compare(b.At) })
	if len(timers) > 0 {
		timer := timers[0]
		timer.Workflow = ref.ID
		if timer.At.After(at) {
			at = timer.At
		}
		out = append(out, workflows.Command{ID: "kept/timer/" + ref.ID, Workflow: ref.ID, At: at,
			Round: workflows.NoRound, Name: workflows.CmdTimer,
			Actor: workflows.Actor{Kind: workflows.ByTimer}, Timer: &timer})
	}
	return out
}

// keptPolicies is the demo's account as it is configured when these files are read; what is open froze its own.
type keptPolicies struct{}

func (keptPolicies) Accounts() []string { return []string{accountID} }

func (keptPolicies) Policy(id string) (workflows.Policy, bool) {
	if id == workflows.AccountOfPeople {
		return workflows.Policy{ID: id, Name: "One-time codes", Admins: []string{dee, cat}}, true
	}
	return workflows.Policy{ID: id, Name: "Acme Production", Owner: ownerEmail, Admins: []string{dee}, Token: true,
		Aliases: []workflows.Alias{{Email: aliasEmail, Holders: []string{ana, ben, cat},
			Custodians: []string{ana, ben}}},
		Transfer: workflows.TransferPolicy{Quorum: 2, ConfirmWithin: 72 * time.Hour, Cooldown: time.Hour,
			AcceptWithin: 120 * time.Hour,
			WatchEvery:   time.Minute, OnErrors: "warn", OnShared: "warn"}}, true
}

// keptPeople knows everybody, as of now.
type keptPeople struct{ now func() time.Time }

func (k keptPeople) People(_ context.Context, ids []string) (map[string]workflows.Person, error) {
	out := map[string]workflows.Person{}
	for _, id := range ids {
		out[id] = workflows.Person{ID: id, At: k.now()}
	}
	return out, nil
}
func (keptPeople) Group(context.Context, string) ([]string, error) { return nil, nil }
func (keptPeople) ByEmail(context.Context, string) (string, error) { return "", nil }
