package storetest

import (
	"fmt"
	"reflect"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

const lease = workflows.LeaseFor

var effectTests = []test{
	{"effects of one key come one at a time and in order", func(w *world) {
		w.appended(w.call("1"), w.call("2"))
		w.appended(w.call("3"))
		for i, id := range []string{"1", "2", "3"} {
			c := w.one(w.at(time.Duration(i)*time.Second), id)
			w.claim(w.at(time.Duration(i) * time.Second)) // nothing beside it
			w.finish(c, done)
		}
		w.claim(w.at(time.Hour))
	}},
	{"one that failed waits for its time and lets no later one pass", func(w *world) {
		w.appended(w.call("1"), w.call("2"))
		for i := range 3 {
			c := w.one(w.at(time.Duration(i)*time.Minute), "1")
			if c.Attempts != i {
				w.Fatalf("attempt %d after %d failures", c.Attempts, i)
			}
			w.finish(c, workflows.Finish{Failed: true, NotBefore: w.at(time.Duration(i+1) * time.Minute)})
			w.claim(w.at(time.Duration(i+1)*time.Minute - time.Millisecond))
		}
		w.finish(w.one(w.at(time.Hour), "1"), done)
		if c := w.one(w.at(time.Hour), "2"); c.Attempts != 0 {
			w.Errorf("the next effect starts with %d attempts", c.Attempts)
		}
	}},
	{"giving back without failure counts no attempt", func(w *world) {
		w.appended(w.call("1"))
		w.finish(w.one(w.start, "1"), workflows.Finish{})
		if c := w.one(w.start, "1"); c.Attempts != 0 {
			w.Errorf("%d attempts", c.Attempts)
		}
	}},
	{"a claim whose lease ended is taken over and the old token is worth nothing", func(w *world) {
		w.appended(w.call("1"), w.call("2"))
		old := w.one(w.start, "1")
		if !old.Until.Equal(w.at(lease)) {
			w.Errorf("leased until %v, want %v", old.Until, w.at(lease))
		}
		w.claim(w.at(lease - time.Millisecond))
		taken := w.one(w.at(lease), "1")
		if taken.Token == old.Token || taken.Attempts != 1 {
			w.Errorf("taken over with the same token, or %d attempts instead of 1", taken.Attempts)
		}
		w.wantErr(w.s.Finish(w.ctx, old, done), workflows.ErrLeaseLost)
		w.wantErr(w.s.SavePlace(w.ctx, old, "main", "U1", workflows.Place{Channel: "D", TS: "1"}),
			workflows.ErrLeaseLost)
		_, err := w.s.Extend(w.ctx, old, w.at(lease))
		w.wantErr(err, workflows.ErrLeaseLost)
		w.wantErr(w.s.Commit(w.ctx, workflows.Change{Workflow: w.id,
			Records: []workflows.RecordChange{w.grow(w.wref, 1)}, Answers: &old}), workflows.ErrConflict)
		w.finish(taken, done)
		w.wantErr(w.s.Finish(w.ctx, taken, done), workflows.ErrLeaseLost)
		w.one(w.at(lease), "2")
	}},
	{"one that is moved goes to the end of another queue and lets the next one pass", func(w *world) {
		w.appended(w.call("1"), w.call("2"))
		w.appended(w.keyed("9", "aside/x"))
		w.claim(w.start.Add(-time.Hour))
		claims := w.claim(w.start, "1", "9")
		for _, c := range claims {
			if c.Effect.ID == "1" {
				w.finish(c, workflows.Finish{Move: "aside/x", NotBefore: w.at(time.Minute), Failed: true})
				w.wantErr(w.s.Finish(w.ctx, c, done), workflows.ErrLeaseLost)
			} else {
				w.finish(c, done)
			}
		}
		w.finish(w.one(w.start, "2"), done)
		w.claim(w.at(time.Minute - time.Millisecond))
		c := w.one(w.at(time.Minute), "1")
		if c.Effect.Key != "aside/x" {
			w.Errorf("it stands in the queue %s", c.Effect.Key)
		}
		w.appended(w.call("3"))
		w.finish(c, workflows.Finish{Move: "io/" + account})
		w.finish(w.one(w.at(time.Minute), "3"), done)
		w.finish(w.one(w.at(time.Minute), "1"), done)
		w.claim(w.at(24 * time.Hour))
	}},
	{"what is ensured is there once", func(w *world) {
		ensure := func(list ...workflows.Effect) {
			w.commit(workflows.Change{Workflow: w.id, Account: account, Ensure: list})
		}
		w.appended(w.call("1"))
		ensure(w.call("1"), w.call("2"))
		ensure(w.call("2"), w.call("1"))
		c := w.one(w.start, "1")
		ensure(w.call("1")) // it is in flight
		w.finish(c, done)
		w.finish(w.one(w.start, "2"), done)
		w.claim(w.at(24 * time.Hour))
		ensure(w.call("1"))
		w.one(w.start, "1")
	}},
	{"an extended lease is not taken over before its new end", func(w *world) {
		w.appended(w.call("1"))
		c := w.one(w.start, "1")
		until, err := w.s.Extend(w.ctx, c, w.at(5*time.Second))
		w.must(err)
		if !until.Equal(w.at(5*time.Second + lease)) {
			w.Errorf("extended until %v", until)
		}
		w.claim(until.Add(-time.Millisecond))
		w.one(until, "1")
	}},
	{"an ended lease that nobody took over can still be extended and finished", func(w *world) {
		w.appended(w.call("1"))
		c := w.one(w.start, "1")
		_, err := w.s.Extend(w.ctx, c, w.at(time.Minute))
		w.must(err)
		w.finish(c, done)
		w.claim(w.at(time.Hour))
	}},
	{"the change that answers a claim removes it", func(w *world) {
		w.appended(w.call("1"), w.call("2"))
		c := w.one(w.start, "1")
		answer := workflows.Change{Workflow: w.id, Account: account,
			Records: []workflows.RecordChange{w.grow(w.wref, 1)}, Answers: &c,
			Append: []workflows.Effect{w.call("3")}}
		w.commit(answer)
		w.wantErr(w.s.Finish(w.ctx, c, done), workflows.ErrLeaseLost)
		w.finish(w.one(w.start, "2"), done)
		w.finish(w.one(w.start, "3"), done)
		w.claim(w.at(time.Hour))
	}},
	{"a claim of another store is lost, not a crash", func(w *world) {
		for _, token := range []string{"", "x", "99-00", "-1-00", "00"} {
			c := workflows.Claim{Effect: w.call("1"), Token: token}
			w.wantErr(w.s.Finish(w.ctx, c, done), workflows.ErrLeaseLost)
			_, err := w.s.Extend(w.ctx, c, w.start)
			w.wantErr(err, workflows.ErrLeaseLost)
		}
	}},
	{"no more than asked is claimed, people before bulk", func(w *world) {
		var list []workflows.Effect
		for i := range 10 {
			bulk := w.keyed(fmt.Sprintf("bulk%d", i), fmt.Sprintf("a/bulk%d", i))
			bulk.Lane, bulk.Made = workflows.LaneBulk, w.at(-time.Hour)
			list = append(list, bulk, w.keyed(fmt.Sprintf("people%d", i), fmt.Sprintf("z/people%d", i)))
		}
		w.appended(list...)
		claims, err := w.s.ClaimEffects(w.ctx, w.start, 12)
		w.must(err)
		people := 0
		for _, c := range claims {
			if c.Effect.Lane == workflows.LanePeople {
				people++
			}
		}
		if len(claims) != 12 || people != 10 {
			w.Errorf("%d claims, %d of them for people; want 12 and 10", len(claims), people)
		}
		none, err := w.s.ClaimEffects(w.ctx, w.start, 0)
		w.must(err)
		if len(none) != 0 {
			w.Errorf("asked for none, got %d", len(none))
		}
	}},
	{"the older of what is due comes first", func(w *world) {
		young, old := w.keyed("young", "a"), w.keyed("old", "z")
		young.Made = w.at(time.Minute)
		w.appended(young, old)
		claims, err := w.s.ClaimEffects(w.ctx, w.at(time.Hour), 1)
		w.must(err)
		if len(claims) != 1 || claims[0].Effect.ID != "old" {
			w.Errorf("claimed %+v", claims)
		}
	}},
	{"a shard with much to do keeps no other waiting", func(w *world) {
		for i := range 8 { // several accounts, so at least two shards
			acc := fmt.Sprintf("account-%d", i)
			id := workflows.NewID('t', acc, w.s.Shards(), acc)
			c := workflows.Change{Workflow: id, Account: acc}
			for j := range 50 {
				e := w.keyed(fmt.Sprintf("%s-%d", acc, j), fmt.Sprintf("k/%s/%d", acc, j))
				e.Workflow, e.Account, e.Made = id, acc, w.at(time.Duration(i)*time.Minute)
				c.Append = append(c.Append, e)
			}
			w.commit(c)
		}
		claims, err := w.s.ClaimEffects(w.ctx, w.at(time.Hour), 16)
		w.must(err)
		shards := map[int]bool{}
		for _, c := range claims {
			shards[workflows.ShardOf(c.Effect.Account, w.s.Shards())] = true
		}
		if len(claims) != 16 || len(shards) < 2 {
			w.Errorf("%d claims from %d shards", len(claims), len(shards))
		}
	}},
}

var cardTests = []test{
	{"a card remembers its place and what it shows there", func(w *world) {
		w.put(w.cards("0", 1))
		c := w.one(w.start, w.cards("0", 1).ID)
		if got := w.places(); len(got) != 0 {
			w.Errorf("cards that were never posted stand at %+v", got)
		}
		main := workflows.Place{Channel: "DU1", TS: "1.5", Revision: 1, Shown: "hash"}
		other := workflows.Place{Refused: &workflows.Unreached{Code: "not_in_channel", Since: w.start,
			Next: w.at(time.Minute), Tries: 1, Shown: "hash"}}
		w.must(w.s.SavePlace(w.ctx, c, "main", "U1", main))
		w.must(w.s.SavePlace(w.ctx, c, "main", "U2", other))
		w.finish(c, done)
		got := w.places()
		if len(got) != 2 || got["main/U1"] != main || got["main/U2"].Refused == nil ||
			!got["main/U2"].Refused.Next.Equal(w.at(time.Minute)) {
			w.Errorf("places %+v", got)
		}
		p, ok, err := w.s.Place(w.ctx, w.id, "main", "U1")
		w.must(err)
		if !ok || p != main {
			w.Errorf("place %+v %v", p, ok)
		}
		for _, who := range []string{"U2", "U3"} {
			_, ok, err = w.s.Place(w.ctx, w.id, "main", who)
			w.must(err)
			if ok {
				w.Errorf("the card of %s, which was never posted, has a place", who)
			}
		}
		w.wantErr(w.s.SavePlace(w.ctx, c, "main", "U3", main), workflows.ErrLeaseLost)
	}},
	{"a card that is to be shown again is known not to show what it should, until it is saved", func(w *world) {
		w.put(w.cards("0", 1))
		c := w.one(w.start, w.cards("0", 1).ID)
		for _, who := range []string{"U1", "U2"} {
			w.must(w.s.SavePlace(w.ctx, c, "main", who, workflows.Place{Channel: "D", TS: "1", Shown: "hash"}))
		}
		w.finish(c, done)
		w.commit(workflows.Change{Workflow: w.id, Put: []workflows.Effect{w.cards("0", 1)},
			Stale: []string{"main/U1", "main/U9"}})
		if got := w.places(); got["main/U1"].Shown != "" || got["main/U1"].TS != "1" ||
			got["main/U2"].Shown != "hash" || len(got) != 2 {
			w.Errorf("places %+v", got)
		}
		c = w.one(w.start, w.cards("0", 1).ID)
		if got := w.places(); !reflect.DeepEqual(c.Places, got) {
			w.Errorf("claimed with places %+v, they are %+v", c.Places, got)
		}
		w.must(w.s.SavePlace(w.ctx, c, "main", "U1", workflows.Place{Channel: "D", TS: "1", Shown: "hash"}))
		if got := w.places(); got["main/U1"].Shown != "hash" {
			w.Errorf("places %+v", got)
		}
	}},
	{"only cards are claimed with places, and those that stand nowhere with none", func(w *world) {
		w.appended(w.call("1"))
		if c := w.one(w.start, "1"); c.Places != nil {
			w.Errorf("a call has places: %+v", c.Places)
		}
		w.put(w.cards("0", 1))
		if c := w.one(w.start, w.cards("0", 1).ID); c.Places == nil || len(c.Places) != 0 {
			w.Errorf("places %+v", c.Places)
		}
	}},
	{"newer content waits for the older one's end and is due then", func(w *world) {
		for i, end := range []workflows.Finish{done, {Failed: true, NotBefore: w.at(time.Hour)}} {
			who := fmt.Sprintf("U%d", i)
			w.put(w.cards(who, 1))
			old := w.one(w.start, w.cards(who, 1).ID)
			w.put(w.cards(who, 2))
			w.put(w.cards(who, 3))
			w.claim(w.start)
			w.must(w.s.SavePlace(w.ctx, old, "main", who, workflows.Place{Channel: "D", TS: "1", Revision: 1}))
			w.finish(old, end)
			c := w.one(w.start, old.Effect.ID)
			if c.Effect.Revision != 3 || w.places()["main/"+who].TS != "1" || c.Attempts != i {
				w.Errorf("revision %d at %+v with %d attempts, want 3 at its place with %d", c.Effect.Revision,
					w.places(), c.Attempts, i)
			}
			w.finish(c, done)
			w.claim(w.at(24 * time.Hour))
		}
	}},
	{"newer content ends a back-off and keeps the attempts: one may have been delivered", func(w *world) {
		w.put(w.cards("U1", 1))
		w.finish(w.one(w.start, w.cards("U1", 1).ID), workflows.Finish{Failed: true, NotBefore: w.at(time.Hour)})
		w.claim(w.at(time.Second))
		w.put(w.cards("U1", 2))
		if c := w.one(w.at(time.Second), w.cards("U1", 2).ID); c.Attempts != 1 || c.Effect.Revision != 2 {
			w.Errorf("revision %d with %d attempts", c.Effect.Revision, c.Attempts)
		}
	}},
	{"newer content is taken over when the courier of the older died", func(w *world) {
		w.put(w.cards("U1", 1))
		old := w.one(w.start, w.cards("U1", 1).ID)
		w.put(w.cards("U1", 2))
		c := w.one(w.at(lease), old.Effect.ID)
		if c.Effect.Revision != 2 || c.Attempts != 1 {
			w.Errorf("revision %d with %d attempts, want 2 with 1: the older may have been posted", c.Effect.Revision,
				c.Attempts)
		}
		w.wantErr(w.s.Finish(w.ctx, old, done), workflows.ErrLeaseLost)
	}},
	{"newer content may change the lane", func(w *world) {
		for _, inFlight := range []bool{false, true} {
			bulk := w.cards(fmt.Sprint(inFlight), 1)
			bulk.Lane = workflows.LaneBulk
			w.put(bulk)
			if inFlight {
				c := w.one(w.start, bulk.ID)
				w.put(w.cards("true", 2))
				w.finish(c, done)
			} else {
				w.put(w.cards("false", 2))
			}
			c := w.one(w.start, bulk.ID)
			if c.Effect.Lane != workflows.LanePeople {
				w.Errorf("in flight %v: lane %d", inFlight, c.Effect.Lane)
			}
			w.finish(c, done)
			w.claim(w.at(time.Hour))
		}
	}},
	{"a card shown again from an old state conflicts", func(w *world) {
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{w.grow(w.wref, 2)},
			Put: []workflows.Effect{w.cards("U1", 2)}})
		old := w.cards("U1", 1)
		w.wantErr(w.s.Commit(w.ctx, workflows.Change{Workflow: w.id, Put: []workflows.Effect{old}}),
			workflows.ErrConflict)
		w.put(w.cards("U1", 2))
		if c := w.one(w.start, old.ID); c.Effect.Revision != 2 {
			w.Errorf("revision %d", c.Effect.Revision)
		}
	}},
}

var watchTests = []test{
	{"a watch stays and is due at its next time", func(w *world) {
		w.put(w.watch("w1", time.Minute))
		for i := range 3 {
			at := w.at(time.Duration(i) * time.Minute)
			c := w.one(at, "w1")
			if c.Attempts != 0 || c.Effect.Every != time.Minute {
				w.Errorf("watch %+v", c)
			}
			w.finish(c, workflows.Finish{Done: true, NotBefore: at.Add(time.Minute)})
			w.claim(at.Add(time.Minute - time.Millisecond))
		}
		c := w.one(w.at(time.Hour), "w1")
		w.finish(c, workflows.Finish{Failed: true, NotBefore: w.at(time.Hour)})
		c = w.one(w.at(time.Hour), "w1")
		if c.Attempts != 1 {
			w.Errorf("%d attempts after a failure", c.Attempts)
		}
		w.finish(c, done) // no time told: one distance after it was claimed
		w.claim(w.at(time.Hour + time.Minute - time.Millisecond))
		if c = w.one(w.at(time.Hour+time.Minute), "w1"); c.Attempts != 0 {
			w.Errorf("%d attempts after success", c.Attempts)
		}
	}},
	{"a watch replaced in flight is due with its new content", func(w *world) {
		w.put(w.watch("w1", time.Minute))
		c := w.one(w.start, "w1")
		w.put(w.watch("w2", time.Minute))
		w.finish(c, workflows.Finish{Done: true, NotBefore: w.at(time.Minute)})
		w.one(w.start, "w2")
	}},
	{"a watch dropped in flight never comes back, and what is put next waits for its end", func(w *world) {
		w.put(w.watch("w1", time.Minute))
		c := w.one(w.start, "w1")
		w.commit(workflows.Change{Workflow: w.id, Drop: []string{c.Effect.Key}})
		w.put(w.watch("w2", time.Minute))
		w.claim(w.start)
		w.finish(c, workflows.Finish{Done: true, NotBefore: w.at(time.Minute)})
		c = w.one(w.start, "w2")
		w.commit(workflows.Change{Workflow: w.id, Drop: []string{c.Effect.Key}})
		w.finish(c, workflows.Finish{Done: true, NotBefore: w.at(time.Minute)})
		w.claim(w.at(24 * time.Hour))
	}},
	{"a watch dropped in flight whose courier died leaves nothing", func(w *world) {
		w.put(w.watch("w1", time.Minute))
		c := w.one(w.start, "w1")
		w.commit(workflows.Change{Workflow: w.id, Drop: []string{c.Effect.Key, "watch/unknown"}})
		w.claim(w.at(lease))
		w.put(w.watch("w2", time.Minute))
		w.one(w.at(lease), "w2")
	}},
	{"a watch whose claim is answered goes on, unless the change drops or replaces it", func(w *world) {
		w.put(w.watch("w1", time.Minute))
		c := w.one(w.start, "w1")
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{w.grow(w.wref, 1)}, Answers: &c})
		w.claim(w.at(time.Minute - time.Millisecond))
		c = w.one(w.at(time.Minute), "w1")
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{w.grow(w.wref, 1)}, Answers: &c,
			Put: []workflows.Effect{w.watch("w2", time.Minute)}})
		c = w.one(w.at(time.Minute), "w2")
		w.commit(workflows.Change{Workflow: w.id, Records: []workflows.RecordChange{w.grow(w.wref, 1)}, Answers: &c,
			Drop: []string{c.Effect.Key}})
		w.claim(w.at(24 * time.Hour))
	}},
}

var holdTests = []test{
	{"nothing for a destination held back is claimed before its time", func(w *world) {
		w.appended(w.call("1"))
		w.put(w.cards("U1", 1))
		w.must(w.s.HoldBack(w.ctx, w.call("1").Destination(), w.at(time.Minute)))
		w.must(w.s.HoldBack(w.ctx, w.call("1").Destination(), w.at(time.Second))) // the later one counts
		card := w.cards("U1", 1)
		w.finish(w.one(w.start, card.ID), done)
		w.claim(w.at(30 * time.Second))
		w.finish(w.one(w.at(time.Minute), "1"), done)
		w.appended(w.call("2"))
		w.one(w.at(time.Minute), "2")
	}},
	{"a hold set while effects are in flight keeps what is put next", func(w *world) {
		w.put(w.cards("U1", 1))
		c := w.one(w.start, w.cards("U1", 1).ID)
		w.must(w.s.HoldBack(w.ctx, "slack", w.at(time.Minute)))
		w.finish(c, workflows.Finish{Failed: true, NotBefore: w.at(time.Second)})
		w.put(w.cards("U1", 2), w.cards("U2", 2))
		w.claim(w.at(59 * time.Second))
		w.claim(w.at(time.Minute), w.cards("U1", 2).ID, w.cards("U2", 2).ID)
	}},
	{"hundreds of effects held back do not hide one that may go", func(w *world) {
		var list []workflows.Effect
		for i := range 900 {
			e := w.cards(fmt.Sprintf("U%d", i), 1)
			e.Made = w.at(-time.Hour)
			list = append(list, e)
		}
		w.put(list...)
		w.appended(w.call("free"))
		w.must(w.s.HoldBack(w.ctx, "slack", w.at(time.Minute)))
		claims, err := w.s.ClaimEffects(w.ctx, w.start, 8)
		w.must(err)
		if len(claims) != 1 || claims[0].Effect.ID != "free" {
			w.Fatalf("%d claims", len(claims))
		}
		w.finish(claims[0], done)
		all, err := w.s.ClaimEffects(w.ctx, w.at(time.Minute), 2000)
		w.must(err)
		if len(all) != 900 {
			w.Errorf("%d claims after the hold", len(all))
		}
	}},
}
