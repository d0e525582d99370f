package review

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// chunkSize is how many bytes of a frozen list one event holds at most, whole lines.
const chunkSize = 64 << 10

// received folds the answer of integrator.io for one environment.
func (s CampaignState) received(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	r := cmd.Receipt
	if r.Op != workflows.OpCensus || s.Phase != CampaignGathering && s.Phase != CampaignOpen {
		return workflows.Decision{}, nil
	}
	was := s.readingOf(r.Environment)
	if was.Done() && was.Tries == 0 {
		return workflows.Decision{}, nil // told twice, or a file came first
	}
	if r.OK && r.Census != nil {
		return s.readByAPI(cmd, f, r.Environment)
	}
	return s.failed(cmd, f, r.Environment)
}

func saidWhy(words string) string {
	if words == "" {
		return ""
	}
	return ": " + workflows.Quote(words)
}

// readByAPI freezes what integrator.io listed.
func (s CampaignState) readByAPI(cmd workflows.Command, f workflows.Facts, env string) (workflows.Decision, error) {
	c := *cmd.Receipt.Census
	rows := population.UserRows(env, c, s.Started, f.Account, c.At)
	reading := Reading{Environment: env, Source: SourceAPI, At: c.At, Count: len(rows), Filters: "none",
		Unread: c.Unread}
	tokens := population.TokenRows(env, c, rows, s.Started)
	var events []workflows.Event
	for i, page := range c.Pages {
		packed, err := pack(page.Body)
		if err != nil {
			return workflows.Decision{}, err
		}
		events = append(events, cmd.Event(evPage, RawPage{Environment: env, N: i + 1, Gzip: packed}))
		page.Body = nil
		reading.Pages = append(reading.Pages, page)
	}
	events = append(events, freezeTokens(cmd, &reading, tokens)...)
	return s.freezeRows(cmd, f, events, reading, append(rows, tokens...))
}

// freezeRows records an environment's list in pieces, and goes on when nothing is missing any more.
func (s CampaignState) freezeRows(cmd workflows.Command, f workflows.Facts, events []workflows.Event, reading Reading,
	rows []population.Row) (workflows.Decision, error) {
	people, _ := population.SplitTokens(rows)
	list := population.FrozenCSV(people)
	sum := sha256.Sum256(list)
	pieces := inPieces(list, chunkSize)
	reading.SHA256, reading.Chunks = hex.EncodeToString(sum[:]), len(pieces)
	for i, piece := range pieces {
		events = append(events, cmd.Event(evPopulation, PopulationChunk{Environment: reading.Environment, N: i + 1,
			Of: len(pieces), CSV: piece}))
	}
	body := wasRead{Reading: reading, Rows: rows}
	full := append(slices.Clone(events), cmd.Event(evRead, body))
	next, err := s.fold(full...)
	if err != nil {
		return workflows.Decision{}, err
	}
	if next.complete() { // the rows go straight into the packets: no need to keep them here as well
		body.Rows = nil
		return next.plan(cmd, f, append(events, cmd.Event(evRead, body)))
	}
	return workflows.Decision{Events: full}, nil
}

// moveOn plans when nothing is missing any more.
func (s CampaignState) moveOn(cmd workflows.Command, f workflows.Facts, events []workflows.Event) (workflows.Decision,
	error) {
	next, err := s.fold(events...)
	if err != nil {
		return workflows.Decision{}, err
	}
	if next.complete() {
		return next.plan(cmd, f, events)
	}
	return workflows.Decision{Events: events}, nil
}

// complete reports whether every environment was read, confirmed or excluded; production always has to be read.
func (s CampaignState) complete() bool {
	for _, r := range s.Readings {
		if !r.Done() || r.Environment == "" && r.Excluded != "" {
			return false
		}
	}
	return true
}

// needsFile reports whether people must bring the list of production.
func (s CampaignState) needsFile() bool {
	r := s.readingOf("")
	return s.Phase == CampaignGathering && r.Source == "" && (s.Slow != "" || len(s.Environs) > 0 &&
		!s.Environs[0].Token)
}

func (s CampaignState) readingOf(environment string) Reading {
	for _, r := range s.Readings {
		if r.Environment == environment {
			return r
		}
	}
	return Reading{Environment: environment, Excluded: "it is not configured"}
}

// plan shares the rows out and opens the packets. s has everything gathered; events are those of this command so far.
func (s CampaignState) plan(cmd workflows.Command, f workflows.Facts, events []workflows.Event) (workflows.Decision,
	error) {
	emails := map[string]string{}
	for id, p := range f.People {
		if p.Email != "" && p.EmailConfirmed {
			emails[id] = p.Email
		}
	}
	delegates, attested := map[string][]string{}, map[string]string{}
	for email, m := range s.Mailboxes {
		if m.Attested != "" {
			attested[email] = m.Attested
		}
		if m.Attested == "" || len(m.Delegates) > 0 {
			delegates[email] = m.Delegates
		}
	}
	late := s.Phase == CampaignOpen // of an environment that was read when the others had been shared out
	var masters, rows []population.Row
	if !late {
		people, tokens := population.SplitTokens(s.Gathered[""])
		masters, rows = population.MasterRows(s.Started, people, delegates, attested, emails)
		rows = append(rows, tokens...)
	}
	for _, env := range slices.Sorted(maps.Keys(s.Gathered)) {
		if env != "" {
			rows = append(rows, s.Gathered[env]...)
		}
	}
	rows = append(masters, rows...)
	population.SortByRisk(rows)
	p := population.Plan(rows, s.Started, f, cmd.At)
	if len(p.Shares) == 0 && late {
		return workflows.Decision{Events: append(events, cmd.Event(evPlannedLate, planning{Notes: p.Notes}))}, nil
	}
	if len(p.Shares) == 0 {
		why := strings.Join(p.Notes, " ")
		events = append(events, cmd.Event(evCalledOff, slow{Why: why}))
		next, err := s.fold(events[len(events)-1])
		return workflows.Decision{Events: events, Account: []workflows.Event{cmd.Event(workflows.ReviewMoved,
			next.summary())}}, err
	}
	body := planning{Rows: len(rows), Exceptions: p.Exceptions, Notes: p.Notes}
	due, closes := cmd.At.Add(s.Policy.Window), cmd.At.Add(s.Policy.Window+s.Policy.Grace)
	kind, before := evPlanned, len(s.Parts)
	if late { // in what is left of the time
		kind, due, closes = evPlannedLate, s.Due, s.Closes
	}
	var calls []workflows.Call
	for i, share := range p.Shares {
		id := workflows.NewID('p', s.AccountID, f.Shards, s.ID, share.Reviewer, strconv.Itoa(before+i))
		a := Assigned{ID: id, Campaign: s.ID, Period: s.Period, AccountID: s.AccountID, AccountName: s.AccountName,
			Number: before + i + 1, Of: before + len(p.Shares),
			Reviewer: share.Reviewer, InPlaceOf: share.InPlaceOf, Rows: share.Rows, Opened: cmd.At, Due: due,
			Closes: closes, Backups: share.Backups,
			Admins: s.Admins, Holders: s.Holders, Channel: s.Channel, Policy: s.Policy, UIHost: s.UIHost,
			Token: s.Environs[0].Token}
		raw, err := json.Marshal(a)
		if err != nil {
			return workflows.Decision{}, err
		}
		calls = append(calls, workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: id, Command: openPacket,
			Input: map[string]string{"assigned": string(raw)}})
		fresh := PacketState{Assigned: a, Verdicts: make([]population.Verdict, len(a.Rows))}
		body.Parts = append(body.Parts, Part{ID: id, Reviewer: share.Reviewer, Counts: fresh.Counts()})
	}
	e := cmd.Event(kind, body)
	next, err := s.fold(e)
	return workflows.Decision{Events: append(events, e), Calls: calls,
		Account: []workflows.Event{cmd.Event(workflows.ReviewMoved, next.summary())}}, err
}

// pack compresses what is kept as it came.
func pack(raw []byte) ([]byte, error) {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// inPieces cuts a text at line ends into pieces of at most size bytes; a longer line is a piece of its own.
func inPieces(text []byte, size int) []string {
	var out []string
	for len(text) > 0 {
		cut := len(text)
		if cut > size {
			if at := bytes.LastIndexByte(text[:size], '\n'); at >= 0 {
				cut = at + 1
			} else if at := bytes.IndexByte(text, '\n'); at >= 0 {
				cut = at + 1
			}
		}
		out = append(out, string(text[:cut]))
		text = text[cut:]
	}
	return out
}
