package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/backup"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

const shards = 4

// start is when the stories of the tests begin.
var start = storetest.CountsFrom

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func copied(t testing.TB, st *store.Store, keys ...[]byte) ([]byte, backup.Totals) {
	t.Helper()
	var out bytes.Buffer
	totals, err := backup.Write(context.Background(), st, &out, backup.Options{Version: "test", Keys: keys,
		Now:  func() time.Time { return start },
		Told: func(ref workflows.Ref, err error) { t.Errorf("%s %s: %v", ref.Kind, ref.ID, err) }})
	must(t, err)
	return out.Bytes(), totals
}

func into(url, prefix string, keys ...[]byte) backup.Into {
	return backup.Into{Machines: storetest.Counters(), Store: store.Options{URL: url, Prefix: prefix, SealKeys: keys,
		Log: zerolog.Nop()}}
}

func back(t testing.TB, file []byte, o backup.Into) *store.Store {
	t.Helper()
	_, _, err := backup.Restore(context.Background(), bytes.NewReader(file), o)
	must(t, err)
	return storetest.OpenWith(t, o.Store)
}

// TestACopyMadeWhileOthersDecideHolds makes one copy after another while several decide as fast as they can.
func TestACopyMadeWhileOthersDecideHolds(t *testing.T) {
	for name, url := range map[string]string{"miniredis": "redis://" + miniredis.RunT(t).Addr(),
		"redis": storetest.Redis(t).URL} {
		t.Run(name, func(t *testing.T) {
			st := storetest.OpenAt(t, url)
			d := storetest.Desk(st)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var writers sync.WaitGroup
			var decided atomic.Int64
			// On the embedded Redis they pause while a copy is looked at, which takes long there: the
			// record would outgrow the test meanwhile.
			var looking sync.RWMutex
			for _, account := range storetest.CountingFor {
				writers.Go(func() {
					for i := 0; ctx.Err() == nil && !t.Failed(); i++ {
						looking.RLock()
						storetest.Count(t, d, account, i)
						looking.RUnlock()
						decided.Add(1)
						time.Sleep(5 * time.Millisecond) // or the record outgrows what is made of it here
					}
				})
			}
			before := 0
			for i := range 3 {
				for from := decided.Load(); decided.Load() < from+60 && !t.Failed(); {
					time.Sleep(time.Millisecond) // until the writers are at it again
				}
				file, totals := copied(t, st)
				if name == "miniredis" {
					looking.Lock()
				}
				restored := back(t, file, into(url, fmt.Sprintf("copy%d", i)))
				records, events := storetest.Holds(t, restored)
				if name == "miniredis" {
					looking.Unlock()
				}
				if records != totals.Records || events != totals.Events || events <= before {
					t.Errorf("%d records and %d events are back of %+v; %d events before", records, events, totals,
						before)
				}
				before = events
			}
			cancel()
			writers.Wait()
			storetest.Holds(t, st)
		})
	}
}

// everything answers what stands under a prefix, as text by key, without the prefix and what differs by its nature.
func everything(t *testing.T, url, prefix string) map[string]string {
	t.Helper()
	o, err := redis.ParseURL(url)
	must(t, err)
	c := redis.NewClient(o)
	defer c.Close()
	ctx, all := context.Background(), map[string]string{}
	keys, err := c.Keys(ctx, prefix+":*").Result()
	must(t, err)
	for _, key := range keys {
		name := strings.TrimPrefix(key, prefix+":")
		switch c.Type(ctx, key).Val() {
		case "hash":
			fields := c.HGetAll(ctx, key).Val()
			delete(fields, "seal")
			delete(fields, "vouch")
			all[name] = fmt.Sprint(fields)
			if strings.Contains(name, ":queue:") { // entries are numbered by how many there were before
				all[name] = "queue"
			}
		case "list":
			all[name] = fmt.Sprint(c.LRange(ctx, key, 0, -1).Val())
		default: // scores are times at which something was done
			all[name] = fmt.Sprint(c.ZRange(ctx, key, 0, -1).Val())
			if strings.HasSuffix(name, ":timers") {
				all[name] = fmt.Sprint(c.ZRangeWithScores(ctx, key, 0, -1).Val())
			}
		}
	}
	return all
}

// TestACopyIsWhatWasThere compares every key of a quiet record with what is put back.
func TestACopyIsWhatWasThere(t *testing.T) {
	url := "redis://" + miniredis.RunT(t).Addr()
	st := storetest.OpenAt(t, url)
	d := storetest.Desk(st)
	for i := range 40 {
		for _, account := range storetest.CountingFor {
			storetest.Count(t, d, account, i)
		}
	}
	file, _ := copied(t, st)
	back(t, file, into(url, "copy"))
	want, got := everything(t, url, "kh"), everything(t, url, "copy")
	for key, text := range want {
		switch {
		case strings.Contains(key, ":due:"): // the order of what is due at once
			if len(text) != len(got[key]) {
				t.Errorf("%s:\n%s\n%s", key, text, got[key])
			}
		case strings.Contains(key, ":open:") || strings.Contains(key, ":waiting:"), got[key] != text:
			if got[key] != text {
				t.Errorf("%s:\n%s\n%s", key, text, got[key])
			}
		}
		delete(got, key)
	}
	for key, text := range got {
		if !strings.Contains(key, ":places:") || !strings.Contains(text, "again/") { // cards are drawn again
			t.Errorf("%s was not there: %s", key, text)
		}
	}
	var twice bytes.Buffer
	_, err := backup.Write(context.Background(), st, &twice, backup.Options{Version: "test", Now: func() time.Time {
		return start
	}})
	must(t, err)
	if !bytes.Equal(twice.Bytes(), file) {
		t.Error("two copies of the same record differ")
	}
}

func key(b byte) []byte { return bytes.Repeat([]byte{b}, store.SealKeyBytes) }

func TestSealsAreMadeAnewAndNothingGainsOne(t *testing.T) {
	m := miniredis.RunT(t)
	url := "redis://" + m.Addr()
	st := storetest.OpenWith(t, store.Options{URL: url, Shards: shards, SealKeys: [][]byte{key('a')},
		Log: zerolog.Nop()})
	d := storetest.Desk(st)
	for i := range 5 {
		for _, account := range storetest.CountingFor[:2] {
			storetest.Count(t, d, account, i)
		}
	}
	// Somebody at the console takes the last event of a record away, which only its seal shows.
	victim := workflows.RecordRef(workflows.NewID('t', "acme", shards, "acme", "0"))
	record := fmt.Sprintf("kh:{%02d}:record:workflow/%s", st.ShardOf(victim), victim.ID)
	links, err := st.Links(context.Background(), victim, 0)
	must(t, err)
	_, err = m.Lpop(strings.Replace(record, ":record:", ":events:", 1))
	must(t, err)
	entries, err := st.Entries(context.Background(), victim, 0)
	must(t, err)
	m.Del(strings.Replace(record, ":record:", ":events:", 1))
	all, err := st.Entries(context.Background(), victim, 0)
	if err != nil || len(all) != 0 || len(entries) != len(links)-1 {
		t.Fatal(err, len(all))
	}
	t.Run("a chain that does not hold", func(t *testing.T) {
		var named []string
		var out bytes.Buffer
		_, err := backup.Write(context.Background(), st, &out, backup.Options{Version: "test", Keys: [][]byte{key('a')},
			Now:  func() time.Time { return start },
			Told: func(ref workflows.Ref, err error) { named = append(named, ref.ID) }})
		must(t, err)
		if !slices.Contains(named, victim.ID) {
			t.Errorf("named: %v", named)
		}
		named = nil
		o := into(url, "copy", key('b'), key('a'))
		o.Told = func(ref workflows.Ref, err error) { named = append(named, ref.ID) }
		restored := back(t, out.Bytes(), o)
		if !slices.Contains(named, victim.ID) || restored.Standing() != store.Sealed {
			t.Errorf("named: %v; %s", named, restored.Standing())
		}
		recs, err := restored.Load(context.Background(), victim)
		if err == nil && recs[0].Doubt != workflows.DoubtChain {
			t.Errorf("what did not hold has become sound: %+v", recs[0])
		}
		other := workflows.RecordRef(workflows.NewID('t', "globex", shards, "globex", "0"))
		if recs, err := restored.Load(context.Background(), other); err != nil || recs[0].Doubt != "" ||
			recs[0].Version != 5 {
			t.Errorf("what held: %+v, %v", recs, err)
		}
	})
	file := func(keys ...[]byte) []byte {
		var out bytes.Buffer
		_, err := backup.Write(context.Background(), st, &out, backup.Options{Version: "test", Keys: keys,
			Now: func() time.Time { return start }})
		must(t, err)
		return out.Bytes()
	}
	for name, c := range map[string]struct {
		file, with [][]byte
		believe    bool
		want       error
	}{
		"another key":             {[][]byte{key('a')}, [][]byte{key('b')}, false, backup.ErrSeal},
		"no key":                  {[][]byte{key('a')}, nil, false, backup.ErrSealed},
		"no key, and believed":    {[][]byte{key('a')}, nil, true, nil},
		"a key for what has none": {nil, [][]byte{key('a')}, false, backup.ErrUnsealed},
	} {
		t.Run(name, func(t *testing.T) {
			o := into(url, "p"+fmt.Sprint(len(name)), c.with...)
			o.Believe = c.believe
			if _, _, err := backup.Restore(context.Background(), bytes.NewReader(file(c.file...)), o); !errors.Is(err,
				c.want) || c.want == nil && err != nil {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

// half reads a file once as it is, and the second time breaks off, as a machine that dies does.
type half struct {
	*bytes.Reader
	reads, left int
}

func (h *half) Seek(offset int64, whence int) (int64, error) {
	h.reads++
	return h.Reader.Seek(offset, whence)
}

func (h *half) Read(p []byte) (int, error) {
	if h.reads < 2 {
		return h.Reader.Read(p)
	}
	if h.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := h.Reader.Read(p[:min(len(p), h.left)])
	h.left -= n
	return n, err
}

func TestWhatWasBrokenOffIsRunAgainAndOpensForNobodyBefore(t *testing.T) {
	url := "redis://" + miniredis.RunT(t).Addr()
	st := storetest.OpenAt(t, url)
	d := storetest.Desk(st)
	for i := range 60 {
		for _, account := range storetest.CountingFor {
			storetest.Count(t, d, account, i)
		}
	}
	file, totals := copied(t, st)
	ctx, o := context.Background(), into(url, "copy")
	if _, _, err := backup.Restore(ctx, &half{Reader: bytes.NewReader(file), left: len(file) / 2}, o); err == nil {
		t.Fatal("half a file was enough")
	}
	if _, err := store.Open(ctx, o.Store); !errors.Is(err, store.ErrHalf) {
		t.Errorf("half a record can be opened: %v", err)
	}
	other, _ := copied(t, st, key('a'))
	storetest.Count(t, d, "acme", 60)
	newer, _ := copied(t, st)
	if _, _, err := backup.Restore(ctx, bytes.NewReader(newer), o); !errors.Is(err, store.ErrHalf) {
		t.Errorf("another file goes on with it: %v", err)
	}
	_ = other
	restored := back(t, file, o)
	if records, events := storetest.Holds(t, restored); records != totals.Records || events != totals.Events {
		t.Errorf("%d, %d of %+v", records, events, totals)
	}
	if _, _, err := backup.Restore(ctx, bytes.NewReader(file), o); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("a second time: %v", err)
	}
}

func TestNothingIsPutBackWhereSomebodyWorks(t *testing.T) {
	url := "redis://" + miniredis.RunT(t).Addr()
	st := storetest.OpenAt(t, url)
	storetest.Count(t, storetest.Desk(st), "acme", 0)
	file, _ := copied(t, st)
	o := into(url, "copy")
	busy := storetest.OpenWith(t, o.Store)
	_, err := busy.Present(context.Background(), "another")
	must(t, err)
	if _, _, err := backup.Restore(context.Background(), bytes.NewReader(file), o); !errors.Is(err, store.ErrBusy) {
		t.Errorf("error %v", err)
	}
	must(t, busy.Absent(context.Background(), "another"))
	storetest.Holds(t, back(t, file, o)) // what only opened it left no record
}

// TestWhatANewerVersionWroteIsLeftToIt refuses before anything is written.
func TestWhatANewerVersionWroteIsLeftToIt(t *testing.T) {
	url := "redis://" + miniredis.RunT(t).Addr()
	st := storetest.OpenAt(t, url)
	storetest.Count(t, storetest.Desk(st), "acme", 0)
	file, _ := copied(t, st)
	o := into(url, "copy")
	o.Machines = nil
	_, _, err := backup.Restore(context.Background(), bytes.NewReader(file), o)
	if !errors.Is(err, workflows.ErrNoWorkflow) || !strings.Contains(err.Error(), "version test") {
		t.Errorf("error %v", err)
	}
	if got := everything(t, url, "copy"); len(got) > 0 {
		t.Errorf("written: %v", got)
	}
}
