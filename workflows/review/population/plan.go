package population

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Share is the rows of one packet: at most [MaxRows], numbered from 1, in the order of risk.
type Share struct {
	Reviewer  string // Slack ID
	InPlaceOf string // who delegated to the reviewer; empty: nobody
	Rows      []Row
	// Backups are who may follow the reviewer, the best first: other reviewers, administrators,
	// holders; within these whoever has fewest rows, those counted that they are the first to get
	// from others, so that not one person follows everybody. Who can read or use a mailbox that has
	// a row in the share comes last, and nobody with an own row in it is among them.
	Backups []string
}

// Planned is who reviews what.
type Planned struct {
	Shares []Share
	// Exceptions say in words which rows their reviewer decides although they are concerned.
	Exceptions []string
	// Notes say in words who was replaced or left out and why, and what could not be found out.
	// When nobody can review anything there are no shares, and the last note says why.
	Notes []string
}

// noOther is the reason of every exception.
const noOther = "no other reviewer or holder can decide it"

// Plan shares out rows, which are sorted by risk. The people named for a row's integration come
// first, then those named for its role, then the reviewers; among equals everybody gets as many
// rows as the others, and rows of one environment and role stay together as far as that allows.
//
// Nobody gets a row that concerns them: their own, that of a mailbox they can read or use, or
// either of somebody they stand in for. Such a row goes to another reviewer, to a holder, to an
// administrator, to whoever reviews other rows, in this order. Only when all of them are concerned
// does a reviewer keep it, with Row.Exception set. People who are not full members in good
// standing, or away for more than awayGrace, get nothing; those with an active delegation are
// replaced by their delegate.
//
// The result depends on nothing but the arguments; every row is in exactly one share.
func Plan(rows []Row, st Started, f workflows.Facts, at time.Time) Planned {
	p := newPanel(rows, st, f, at)
	d := &deal{panel: p, rows: rows, load: map[string]int{}, next: map[string]int{}, hands: map[string]*hand{},
		why: map[int]string{}}
	if len(rows) == 0 {
		return Planned{Notes: append(p.notes, "There is nothing to review.")}
	}
	if d.nobody() {
		return Planned{Notes: append(p.notes,
			"Nobody can review anything: of the reviewers, holders and administrators none is a full member of this Slack and present. Name another reviewer in the configuration.")}
	}
	d.assign()
	shares, exceptions := d.shares()
	return Planned{Shares: shares, Exceptions: exceptions, Notes: append(p.notes, d.remarks()...)}
}

// hand is what one seat got: indices of rows.
type hand struct {
	seat seat
	rows []int
}

// deal hands rows out.
type deal struct {
	*panel
	rows  []Row
	load  map[string]int   // rows by person
	next  map[string]int   // rows of packets in which a person is the first to follow
	hands map[string]*hand // by the seat's key
	order []*hand          // as first dealt to
	why   map[int]string   // exceptions by row
	fell  []fallen
}

// fallen counts rows that went past those named for them.
type fallen struct {
	from, to *pool
	n        int
}

func (d *deal) nobody() bool {
	return !slices.ContainsFunc(d.pools(), func(pl *pool) bool { return len(pl.seats) > 0 })
}

// pools are all pools, the most specific first.
func (d *deal) pools() []*pool {
	var out []*pool
	for _, m := range []map[string]*pool{d.integs, d.roles} {
		names := make([]*pool, 0, len(m))
		for _, pl := range m {
			names = append(names, pl)
		}
		slices.SortFunc(names, func(a, b *pool) int { return strings.Compare(a.name, b.name) })
		out = append(out, names...)
	}
	return append(out, d.common...)
}

func (d *deal) give(s seat, row int) {
	h := d.hands[s.key()]
	if h == nil {
		h = &hand{seat: s}
		d.hands[s.key()], d.order = h, append(d.order, h)
	}
	h.rows = append(h.rows, row)
	d.load[s.person]++
}

// assign sends every row to the first pool of its chain in which somebody is not concerned, and deals each pool's rows.
func (d *deal) assign() {
	bound := map[*pool][]int{} // rows that some of the pool may not have
	free := map[*pool][]int{}
	var left []int
	for i, r := range d.rows {
		pl, all := d.place(d.chain(r), r)
		switch {
		case pl == nil:
			left = append(left, i)
		case all:
			free[pl] = append(free[pl], i)
		default:
			bound[pl] = append(bound[pl], i)
		}
	}
	for _, pl := range d.pools() {
		d.dealBound(pl, bound[pl])
		d.dealFree(pl, free[pl])
	}
	for _, i := range left {
		d.except(i)
	}
}

// place is the first pool that has somebody for a row; all reports that everybody there may have it.
func (d *deal) place(chain []*pool, r Row) (found *pool, all bool) {
	for _, pl := range chain {
		may := 0
		for _, s := range pl.seats {
			if d.concern(s, r) == concernsNot {
				may++
			}
		}
		if may > 0 {
			if pl != chain[0] {
				d.fall(chain[0], pl)
			}
			return pl, may == len(pl.seats)
		}
	}
	return nil, false
}

func (d *deal) fall(from, to *pool) {
	for i := range d.fell {
		if d.fell[i].from == from && d.fell[i].to == to {
			d.fell[i].n++
			return
		}
	}
	d.fell = append(d.fell, fallen{from, to, 1})
}

// dealBound gives each row to whoever has fewest of those it does not concern. These rows go first:
// the others can make up for them.
func (d *deal) dealBound(pl *pool, rows []int) {
	for _, i := range rows {
		best := -1
		for k, s := range pl.seats {
			if d.concern(s, d.rows[i]) == concernsNot && (best < 0 ||
				d.load[s.person] < d.load[pl.seats[best].person]) {
				best = k
			}
		}
		d.give(pl.seats[best], i)
	}
}

// dealFree gives rows in blocks, sorted by environment and role, of such lengths that all loads
// come as close to each other as they can.
func (d *deal) dealFree(pl *pool, rows []int) {
	slices.SortStableFunc(rows, func(i, k int) int {
		a, b := d.rows[i], d.rows[k]
		return cmp.Or(strings.Compare(a.Environment, b.Environment), cmp.Compare(roleWidth(b), roleWidth(a)),
			strings.Compare(a.Role, b.Role), strings.Compare(a.Email, b.Email))
	})
	if len(pl.seats) == 0 {
		return
	}
	quota, level := make([]int, len(pl.seats)), make([]int, len(pl.seats))
	for k, s := range pl.seats {
		level[k] = d.load[s.person]
	}
	for range rows {
		least := slices.Index(level, slices.Min(level))
		level[least]++
		quota[least]++
	}
	for k, n := range quota {
		for _, i := range rows[:n] {
			d.give(pl.seats[k], i)
		}
		rows = rows[n:]
	}
}

// except gives a row that concerns everybody to whom it concerns least: a delegate of somebody
// concerned, then who can use the mailbox, then the person it is about; among equals to whom it
// would have gone, and of these to whoever has fewest.
func (d *deal) except(i int) {
	var best seat
	var at *pool
	how := 0
	for _, pl := range d.chain(d.rows[i]) {
		for _, s := range pl.seats {
			c := d.concern(s, d.rows[i])
			if at == nil || c < how || c == how && pl == at && d.load[s.person] < d.load[best.person] {
				best, at, how = s, pl, c
			}
		}
	}
	d.why[i] = noOther
	d.give(best, i)
}

// shares turns hands into packets, numbers the rows and tells the exceptions.
func (d *deal) shares() (out []Share, exceptions []string) {
	for _, h := range d.order {
		slices.Sort(h.rows)
		for _, part := range evenly(h.rows, MaxRows) {
			s := Share{Reviewer: h.seat.person, InPlaceOf: h.seat.inPlaceOf(), Rows: make([]Row, len(part))}
			for n, i := range part {
				s.Rows[n] = d.rows[i]
				s.Rows[n].N, s.Rows[n].Exception = n+1, d.why[i]
				if d.why[i] != "" {
					exceptions = append(exceptions, workflows.Mention(s.Reviewer)+" decides on "+whose(d.rows[i])+
						", which concerns them: "+noOther+".")
				}
			}
			s.Backups = d.backups(h.seat, s.Rows)
			if len(s.Backups) > 0 {
				d.next[s.Backups[0]] += len(s.Rows)
			}
			out = append(out, s)
		}
	}
	return out, exceptions
}

// whose names a row inside a sentence.
func whose(r Row) string {
	out := workflows.Esc(r.Subject())
	if r.Environment != "" {
		out += " in " + workflows.Esc(r.Environment)
	}
	return out
}

// evenly cuts a list into as few parts of at most n as it can, none much shorter than the others.
func evenly(list []int, n int) [][]int {
	parts := (len(list) + n - 1) / n
	out := make([][]int, 0, parts)
	for i := range parts {
		out = append(out, list[i*len(list)/parts:(i+1)*len(list)/parts])
	}
	return out
}

// backups are who else could decide all rows of a share, best first: those it does not concern;
// then those who hold a mailbox of it, because a review that nobody can take over is worse, and
// such rows need a reason in any case. Nobody with an own row in it.
func (d *deal) backups(holder seat, rows []Row) []string {
	concern := map[string]int{holder.person: concernsOwn}
	for _, id := range holder.for_ {
		concern[id] = concernsOwn
	}
	for _, r := range rows {
		for id, how := range d.concerns[r.Email] {
			concern[id] = max(concern[id], how)
		}
	}
	var free, mailbox []string
	for _, class := range [][]*pool{d.reviewerPools(), {d.common[2]}, {d.common[1]}} {
		var these []string
		for _, pl := range class {
			for _, s := range pl.seats {
				own := func(id string) bool { return concern[id] == concernsOwn }
				if !own(s.person) && !slices.ContainsFunc(s.for_, own) {
					these = workflows.Union(these, []string{s.person})
				}
			}
		}
		slices.SortStableFunc(these, func(a, b string) int {
			return cmp.Compare(d.load[a]+d.next[a], d.load[b]+d.next[b])
		})
		for _, id := range these {
			if concern[id] == concernsNot {
				free = append(free, id)
			} else {
				mailbox = append(mailbox, id)
			}
		}
	}
	return workflows.Union(free, mailbox)
}

// reviewerPools are the reviewers and those named for some rows.
func (d *deal) reviewerPools() []*pool { return []*pool{d.common[0], d.common[3]} }

// remarks say what happened to rows that went elsewhere, and what could not be found out.
func (d *deal) remarks() []string {
	var out []string
	for _, x := range d.fell {
		out = append(out, fallText(x))
	}
	var people []string
	for _, h := range d.order {
		people = append(people, h.seat.person)
		people = append(people, h.seat.for_...)
	}
	if unseen := d.unseen(workflows.Union(people)); len(unseen) > 0 {
		out = append(out, "Own rows could not be recognised for "+workflows.Mentions(unseen)+
			": Slack does not show this app their confirmed address (scope users:read.email). Check the list for them, and reassign what concerns them.")
	}
	return out
}

func fallText(x fallen) string {
	from := x.from.who()
	from = strings.ToUpper(from[:1]) + from[1:]
	why := "cannot decide on themselves, or on a mailbox of theirs"
	if len(x.from.seats) == 0 {
		why = "cannot review now"
	}
	return from + " " + why + ": " + goes(x.n) + " to " + x.to.who() + "."
}

func goes(n int) string {
	if n == 1 {
		return "1 row goes"
	}
	return fmt.Sprintf("%d rows go", n)
}
