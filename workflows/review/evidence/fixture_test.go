package evidence

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// proofDay is a time of the fixture's October 2026.
func proofDay(day, hour, minute int) time.Time {
	return time.Date(2026, time.October, day, hour, minute, 0, 0, time.UTC)
}

func proofActor(id string) workflows.Actor {
	return workflows.Actor{Kind: workflows.ByPerson, ID: id, Team: "T0ACME"}
}

// proofChain links events as the store does, with salts that a golden file can hold.
func proofChain(t *testing.T, id string, bodies ...[2]any) chain.Chain {
	t.Helper()
	c := chain.Chain{Ref: chain.Ref{Kind: workflows.KindWorkflow, ID: id}}
	previous := ""
	for i, b := range bodies {
		inner, err := json.Marshal(b[1])
		if err != nil {
			t.Fatal(err)
		}
		body := fmt.Appendf(nil, `{"by":{"kind":"person","id":"U0DEE","team":"T0ACME"},"command":"c%d","body":%s}`, i+1,
			inner)
		l := chain.Link{Seq: uint64(i) + 1, Type: b[0].(string), At: proofDay(5, 9, i).Add(7 * time.Millisecond),
			Salt: fmt.Sprintf("%032x", i+1), Previous: previous, Body: body}
		if err := l.Seal(c.Ref); err != nil {
			t.Fatal(err)
		}
		c.Links, previous = append(c.Links, l), l.Link
	}
	return c
}

// proofSaved are the decisions of a packet as if they had been saved at once.
func proofSaved(p review.PacketState) saved {
	out := saved{Verdicts: map[int]population.Verdict{}}
	for i, v := range p.Verdicts {
		if v.Decision != population.NoAnswer {
			out.Verdicts[p.Rows[i].N] = v
		}
	}
	return out
}

// relinked is a chain with its links computed anew, as the store would have made it from these bodies.
func relinked(t *testing.T, c chain.Chain) chain.Chain {
	t.Helper()
	previous := ""
	for i := range c.Links {
		l := &c.Links[i]
		l.Previous = previous
		if err := l.Seal(c.Ref); err != nil {
			t.Fatal(err)
		}
		previous = l.Link
	}
	return c
}

// hostileNames gives rows, reasons and remedies texts that spreadsheets and pages could take for
// more than text, in the states and in their events alike.
func hostileNames(t *testing.T, e *Evidence) {
	t.Helper()
	swap := strings.NewReplacer("Fay Ito", `=1+1 \"</td><b>&lt;&amp;`, "Left the team",
		`@x, \"y\"\r\n<!-- \u0000 -->; Ana`, "monitor (invited)", `-2+3\t<td>`)
	for i := range e.Chains {
		for j := range e.Chains[i].Links {
			e.Chains[i].Links[j].Body = []byte(swap.Replace(string(e.Chains[i].Links[j].Body)))
		}
		e.Chains[i] = relinked(t, e.Chains[i])
	}
	raw, err := json.Marshal(e.Packets)
	if err != nil {
		t.Fatal(err)
	}
	e.Packets = nil
	if err := json.Unmarshal([]byte(swap.Replace(string(raw))), &e.Packets); err != nil {
		t.Fatal(err)
	}
	if err := e.Unpack(); err != nil {
		t.Fatal(err)
	}
	e.Campaign.Readings = slices.Clone(e.Campaign.Readings)
	for i := range e.Campaign.Readings {
		if r := &e.Campaign.Readings[i]; r.SHA256 != "" {
			r.SHA256 = Sum(e.Frozen[r.Environment])
		}
	}
}

func proofGzip(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.NoCompression) // the golden files must not depend on the compressor
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// proofUser is a row of the fixture: a user with a role and, maybe, flags.
func proofUser(environment, email, name, role string, flags ...string) population.Row {
	return population.Row{Kind: population.KindUser, Environment: environment, Email: email, Name: name, Role: role,
		Status: workflows.UserAccepted, MFA: true, Via: "invite",
		Since: proofDay(1, 8, 0).AddDate(-1, 0, 0), LastHere: proofDay(2, 7, 30), LastAny: proofDay(4, 16, 5),
		Privileged: role == workflows.RoleAdministrator, Flags: flags,
		Mark: "accepted/" + role}
}

// proofTokens are three API tokens of production: Keyholder's own, one that is revoked, and one of a person.
func proofTokens() []population.Row {
	token := func(id, name, maker string, t population.Token, flags ...string) population.Row {
		return population.Row{Kind: population.KindToken, ID: id, Name: name, Email: maker, Since: proofDay(1, 9, 0),
			Privileged: t.Full, Flags: flags, Token: &t}
	}
	return []population.Row{
		token("t1", "Keyholder", "celigo@acme.example", population.Token{Kind: workflows.TokenOfAccount, Full: true,
			Own: true}, population.FlagFullAccess, population.FlagNoEnd),
		token("t2", "Old <script>", "", population.Token{Kind: workflows.TokenOfAccount, Revoked: true,
			Scope: []string{"connections: 2", "exports: 1"}}),
		token("t3", "=Gil's laptop", "gil@acme.example", population.Token{Kind: workflows.TokenOfPerson,
			Ends: proofDay(30, 9, 0)}, population.FlagMakerInactive),
	}
}

// proofPopulation is twelve users of production and Sandbox, the owner and one shared mailbox.
func proofPopulation() (dees, anas []population.Row) {
	owner := population.Row{Kind: population.KindOwner, Email: "celigo@acme.example", Role: population.RoleOwner,
		Privileged: true,
		Holders:    []string{"U0ANA", "U0BEN"}, Custodians: []string{"U0ANA"},
		Vault: "IT vault / Celigo owner", Delegates: []string{"ana@acme.example", "leo@acme.example"},
		Attested: "U0ANA",
		Differences: []string{"the mail system lists leo@acme.example, who is not recorded as able to read it",
			"<@U0BEN> is recorded as able to read it, but the mail system does not list ben@acme.example"}}
	alias := population.Row{Kind: population.KindAlias, Email: "celigo-eu@acme.example", Role: workflows.RoleNone,
		Privileged: true, Holders: []string{"U0BEN"},
		Differences: []string{"nobody is recorded who can use its password and second factor"}}
	ben := proofUser("", "ben@acme.example", "Ben Okafor", workflows.RoleAdministrator)
	dee := proofUser("", "dee@acme.example", "Dee Lindqvist", workflows.RoleAdministrator)
	dee.Exception = "<@U0DEE> reviews this row although it is their own: nobody else could"
	eve := proofUser("", "eve@partner.example", "=HYPERLINK(\"http://evil.example\";\"Eve\")", workflows.RoleManage,
		population.FlagForeignDomain, population.FlagWider)
	fay := proofUser("", "fay@acme.example", "Fay Ito", workflows.RoleCustom)
	fay.Manage, fay.Monitor = []string{"65f0a1"}, []string{"65f0b2", "65f0c3"}
	fay.Names = map[string]string{"65f0a1": "Orders to NetSuite", "65f0b2": "Returns <EU>"}
	gil := proofUser("", "gil@acme.example", "Gil Moreau", workflows.RoleMonitor, population.FlagInactive)
	gil.Was = "gil.moreau@acme.example"
	gil.LastHere, gil.LastAny = proofDay(2, 7, 0).AddDate(0, -6, 0), time.Time{}
	hal := proofUser("", "hal@acme.example", "", workflows.RoleMonitor, population.FlagNeverSignedIn,
		population.FlagPending)
	hal.Status, hal.LastHere, hal.LastAny = workflows.UserPending, time.Time{}, time.Time{}
	ivy := proofUser("", "ivy@acme.example", "Ivy Berg", workflows.RoleManage)
	ivy.Decision, ivy.Until = "a03-7KQ2M9XA", proofDay(30, 17, 0)
	dees = append([]population.Row{owner, alias, ben, eve, fay, gil, hal, ivy}, proofTokens()...)
	anas = []population.Row{dee, proofUser("", "jan@acme.example", "Jan Novák", workflows.RoleMonitor)}
	for _, r := range []struct{ email, name, role string }{{"ben@acme.example", "Ben Okafor",
		workflows.RoleAdministrator}, {"kim@acme.example", "Kim Park", workflows.RoleMonitor},
		{"lou@acme.example", "Lou Weber", workflows.RoleManage}, {"mia@acme.example", "Mia Rossi",
			workflows.RoleMonitor}} {
		anas = append(anas, proofUser("Sandbox", r.email, r.name, r.role))
	}
	for _, rows := range [][]population.Row{dees, anas} {
		for i := range rows {
			rows[i].N = i + 1
		}
	}
	return dees, anas
}

// evidenceOf is a campaign that is being carried out: Dee's packet is signed, Ana's was not, and one removal failed.
func evidenceOf(t *testing.T) Evidence {
	t.Helper()
	dees, anas := proofPopulation()
	policy := workflows.ReviewPolicy{Every: workflows.EveryQuarter, Zone: "UTC", Window: 14 * 24 * time.Hour,
		Grace: 7 * 24 * time.Hour, Reviewers: []string{"U0DEE", "U0ANA"},
		ByRole: map[string][]string{workflows.RoleMonitor: {"U0ANA"}}, RemindEvery: 7 * 24 * time.Hour,
		RemindBefore: []time.Duration{72 * time.Hour, 24 * time.Hour, 0},
		OverdueEvery: 24 * time.Hour, Escalate: []time.Duration{7 * 24 * time.Hour, 10 * 24 * time.Hour},
		InactiveAfter: 90 * 24 * time.Hour, InactivePrivilegedAfter: 30 * 24 * time.Hour,
		ExemptNew: 30 * 24 * time.Hour, NoAnswer: population.Keep, FixWithin: 5 * 24 * time.Hour,
		FixPrivilegedWithin: 24 * time.Hour}
	names := map[string]string{"U0DEE": "Dee Lindqvist", "U0ANA": "Ana Silva", "U0BEN": "Ben Okafor", "U0CAT": "Cat"}
	at, closedAt := proofDay(5, 9, 0), proofDay(26, 9, 0)
	base := review.Assigned{Campaign: "r03-acme-2026q4", Period: "2026q4", AccountID: "acme",
		AccountName: "Acme Production", Of: 2, Opened: at, Due: proofDay(19, 9, 0), Closes: closedAt, Policy: policy}
	one, two := base, base
	one.ID, one.Number, one.Reviewer, one.Rows = "p03-8QTT2A10", 1, "U0DEE", dees
	two.ID, two.Number, two.Reviewer, two.Rows = "p03-8QTT2A11", 2, "U0ANA", anas
	dv := func(decision, role, reason string, minute int, bulk bool) population.Verdict {
		return population.Verdict{Decision: decision, Role: role, Reason: reason, By: "U0DEE",
			At:   proofDay(6, 10, minute),
			Bulk: bulk}
	}
	p1 := review.PacketState{Assigned: one, Phase: review.PacketFixing, Reviewers: []string{"U0DEE"}, Names: names,
		ClosedAt: closedAt, Signed: &review.Signature{By: "U0DEE", At: proofDay(6, 10, 40), Took: "38m20s",
			Acknowledged: review.Acknowledgement},
		Verdicts: []population.Verdict{dv(population.Keep, "", "The shared mailbox owns it, as agreed", 2, false),
			dv(population.Change, "", "The EU account is closed; nobody needs this mailbox", 3, false),
			dv(population.Keep, "", "Second administrator", 5, false),
			dv(population.Change, workflows.RoleMonitor,
				"@Eve only looks at errors, she said: \"fine, thanks\"\n-- by phone", 9, false),
			dv(population.Keep, "", "", 12, true), dv(population.Remove, "", "Left the team", 14, false),
			dv(population.Remove, "", "Never came", 15, false), dv(population.Keep, "", "", 12, true),
			dv(population.Keep, "", "Keyholder works with it", 20, false), dv(population.Keep, "", "", 12, true),
			dv(population.Remove, "", "-Gil has left", 21, false)},
		Fixes: []population.Fix{{Row: 2, Action: population.FixTransfer, State: population.FixPending,
			Due: proofDay(27, 9, 0)},
			{Row: 4, Action: population.FixChange, Access: "a03-1AAAAAAA", How: workflows.Acted,
				State:  population.FixVerified,
				Before: "manage", After: "monitor", Due: proofDay(31, 9, 0), At: proofDay(26, 9, 4)},
			{Row: 6, Action: population.FixRemove, Access: "a03-2BBBBBBB", How: workflows.Acted,
				State:  population.FixFailed,
				Before: "monitor", Why: "integrator.io refused: the user owns a shared stack", Due: proofDay(31, 9, 0),
				At: proofDay(26, 9, 5)},
			{Row: 7, Action: population.FixRemove, Access: "a03-3CCCCCCC", How: workflows.Attested,
				State:  population.FixDone,
				Before: "monitor (invited)", After: "no access", Due: proofDay(31, 9, 0), At: proofDay(26, 12, 0),
				Who: "U0BEN"},
			{Row: 11, Action: population.FixRevoke, How: workflows.Verified, State: population.FixVerified,
				Due: proofDay(31, 9, 0), At: proofDay(26, 15, 0), Who: "U0ANA"}}}
	av := func(decision, reason string, n int) population.Verdict {
		return population.Verdict{Decision: decision, Reason: reason, By: "U0ANA", At: proofDay(20, 8, n)}
	}
	p2 := review.PacketState{Assigned: two, Phase: review.PacketFixing, Reviewers: []string{"U0ANA", "U0BEN"},
		Names: names, ClosedAt: closedAt, Nudges: 6,
		Handovers: []review.Handover{{At: proofDay(26, 8, 0), From: "U0ANA", To: "U0BEN", Why: "escalated"}},
		Verdicts: []population.Verdict{av(population.Keep, "Runs the account; Ben agreed", 1),
			av(population.Remove, "On leave", 2), av(population.Keep, "Administers both", 3),
			{Decision: population.NoAnswer, At: proofDay(5, 9, 3).Add(7 * time.Millisecond)},
			av(population.Keep, "", 4),
			av(population.Keep, "", 5)},
		Fixes: []population.Fix{{Row: 2, Action: population.FixRemove, Access: "a03-4DDDDDDD", How: workflows.Acted,
			State: population.FixVerified, Before: "monitor", After: "no access", Due: proofDay(31, 9, 0),
			At: proofDay(26, 9, 6)}}}

	var production, sandbox []population.Row
	for _, r := range append(append([]population.Row{}, dees...), anas...) {
		switch {
		case r.Environment == "Sandbox":
			sandbox = append(sandbox, r)
		case r.Kind == population.KindUser:
			production = append(production, r)
		}
	}
	frozen := map[string][]byte{"": population.FrozenCSV(production), "Sandbox": population.FrozenCSV(sandbox)}
	pages := [][]byte{[]byte(`[{"_id":"u1"},{"_id":"u2"},{"_id":"u3"},{"_id":"u4"},{"_id":"u5"}]`),
		[]byte(`[{"_id":"u6"},{"_id":"u7"},{"_id":"u8"}]`)}
	given := []byte("Name,Email,Account access level\r\nBen,ben@acme.example,Administrator\r\n")
	reading := review.Reading{Source: review.SourceAPI, At: at, Count: len(production), SHA256: Sum(frozen[""]),
		Chunks: 1, Filters: "none",
		Pages: []workflows.RawPage{{Request: "GET /v1/ashares", Status: 200, Count: 5, SHA256: Sum(pages[0])},
			{Request: "GET /v1/ashares?after=u5", Status: 200, Count: 3, SHA256: Sum(pages[1])}},
		TokenCount: 3, TokensSHA256: Sum(population.FrozenTokens(proofTokens()))}
	file := review.Reading{Environment: "Sandbox", Source: review.SourceCSV, At: proofDay(5, 8, 45),
		Count: len(sandbox), SHA256: Sum(frozen["Sandbox"]), Chunks: 1, Filters: "none", File: "users.csv",
		FileSHA256: Sum(given), Uploader: "U0DEE", Uploaded: proofDay(5, 9, 10), ConfirmedBy: "U0BEN",
		Confirmed: proofDay(5, 9, 20)}
	afterwards := []byte("Name,Email,Account access level\r\nLou,lou@acme.example,Manage\r\n")
	fresh := file
	fresh.At, fresh.Uploaded, fresh.FileSHA256, fresh.SHA256, fresh.Count = proofDay(27, 8, 0), proofDay(27, 8, 30),
		Sum(afterwards), "", 1
	c := review.CampaignState{Started: population.Started{ID: "r03-acme-2026q4", AccountID: "acme",
		AccountName: "Acme Production", Period: "2026q4", By: proofActor("U0DEE"), Due: proofDay(19, 9, 0),
		Closes: closedAt,
		Owner:  "celigo@acme.example", OwnerSince: proofDay(1, 9, 0).AddDate(0, -3, 0), OwnerBy: "t03-6PPQ1234",
		Aliases:   []workflows.Alias{{Email: "celigo@acme.example", Holders: []string{"U0ANA", "U0BEN"}}},
		Reviewers: []string{"U0DEE", "U0ANA"}, Admins: []string{"U0DEE"}, Policy: policy,
		Environs: []workflows.Environment{{Token: true}, {Name: "Sandbox"}, {Name: "Training"}}},
		Phase: review.CampaignFixing, Begun: at, Names: names, Readings: []review.Reading{reading, file,
			{Environment: "Training", Excluded: "nobody handed in its list by 12 October"}},
		Mailboxes: map[string]review.Mailbox{"celigo@acme.example": {Email: "celigo@acme.example",
			Delegates: []string{"ana@acme.example", "leo@acme.example"}, By: "U0ANA", At: proofDay(5, 9, 15)}},
		Fresh: []review.Reading{fresh},
		Parts: []review.Part{{ID: one.ID, Reviewer: "U0DEE", Counts: p1.Counts(), Signed: p1.Signed, Closed: true},
			{ID: two.ID, Reviewer: "U0ANA", Counts: p2.Counts(), Closed: true}},
		Rows: len(dees) + len(anas), Exceptions: []string{
			"<@U0DEE> decides on dee@acme.example, their own access: nobody else of the reviewers could",
			"Training was left out"}, PlannedAt: proofDay(5, 9, 21), ClosedAt: closedAt}
	wrong := []byte("Name,Email\r\nthe wrong file\r\n")
	delegates := []byte("ana@acme.example\nleo@acme.example\n")
	piece := bytes.IndexByte(frozen[""][200:], '\n') + 201
	chains := []chain.Chain{
		proofChain(t, c.ID, [2]any{evStarted, c.Started},
			[2]any{evPage, review.RawPage{N: 1, Gzip: proofGzip(t, pages[0])}},
			[2]any{evPage, review.RawPage{N: 2, Gzip: proofGzip(t, pages[1])}},
			[2]any{evPopulation, review.PopulationChunk{N: 1, Of: 2, CSV: string(frozen[""][:piece])}},
			[2]any{evPopulation, review.PopulationChunk{N: 2, Of: 2, CSV: string(frozen[""][piece:])}},
			[2]any{evTokens, review.TokensChunk{N: 1, Of: 1, CSV: string(population.FrozenTokens(proofTokens()))}},
			[2]any{evFile, review.RawFile{Environment: "Sandbox", Name: "wrong.csv", SHA256: Sum(wrong),
				Gzip: proofGzip(t, wrong)}},
			[2]any{evPopulation, review.PopulationChunk{Environment: "Sandbox", N: 1, Of: 1,
				CSV: "of the wrong file\n"}},
			[2]any{evFile, review.RawFile{Environment: "Sandbox", Name: "users.csv", SHA256: file.FileSHA256,
				Gzip: proofGzip(t, given)}},
			[2]any{evPopulation, review.PopulationChunk{Environment: "Sandbox", N: 1, Of: 1,
				CSV: string(frozen["Sandbox"])}},
			[2]any{evMailSystem, mailSystem{Mailbox: c.Mailboxes["celigo@acme.example"], File: "delegates.txt",
				SHA256: Sum(delegates), Gzip: proofGzip(t, delegates)}},
			[2]any{evAllClosed, nil},
			[2]any{evFile, review.RawFile{Environment: "Sandbox", Name: "after.csv", SHA256: fresh.FileSHA256,
				Gzip: proofGzip(t, afterwards)}}),
		proofChain(t, one.ID, [2]any{evBegun, one}, [2]any{evSaved, proofSaved(p1)}, [2]any{evSigned, p1.Signed},
			[2]any{evClosed, closed{Fixes: wanted(p1.Fixes)}}, [2]any{evFixed, fixes{p1.Fixes}}),
		proofChain(t, two.ID, [2]any{evBegun, two}, [2]any{evSaved, proofSaved(p2)},
			[2]any{evEscalated, handed{p2.Handovers[0], p2.Reviewers}},
			[2]any{evClosed, closed{NoAnswer: []int{4}, Fixes: wanted(p2.Fixes)}},
			[2]any{evFixed, fixes{p2.Fixes}}),
		proofChain(t, "a03-2BBBBBBB", [2]any{"access.requested", map[string]string{"email": "gil@acme.example",
			"reason": "</script><b>"}}, [2]any{"access.failed", nil}),
	}
	e := Evidence{Campaign: c, Packets: []review.PacketState{p2, p1}, Chains: chains, Version: "v0.3.1",
		Made: proofDay(27, 11, 30), MadeBy: "keyholder review export"}
	if err := e.Unpack(); err != nil {
		t.Fatal(err)
	}
	return e
}

// The events of campaigns and packets as they stand in the record. They are written out here, as an
// auditor reads them: what the files are made of is the record, whatever types the machines have
// for it.
const (
	evStarted    = "campaign.started"
	evPopulation = "campaign.population"
	evTokens     = "campaign.tokens"
	evPage       = "campaign.page"
	evFile       = "campaign.file"
	evMailSystem = "campaign.delegates"
	evBegun      = "packet.opened"
	evSaved      = "packet.saved"
	evSigned     = "packet.signed"
	evEscalated  = "packet.escalated"
	evClosed     = "packet.closed"
	evFixed      = "packet.fixed"
	evAllClosed  = "campaign.closed"
)

type mailSystem struct {
	review.Mailbox
	File   string `json:"file,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Gzip   []byte `json:"gzip,omitempty"`
}

type saved struct {
	Verdicts map[int]population.Verdict `json:"verdicts"`
}

type handed struct {
	review.Handover
	Reviewers []string `json:"reviewers"`
}

type closed struct {
	NoAnswer []int            `json:"no_answer,omitempty"`
	Fixes    []population.Fix `json:"fixes,omitempty"`
}

type fixes struct {
	Fixes []population.Fix `json:"fixes"`
}

// wanted are remedies as they were when the packet closed: asked for, and not begun.
func wanted(all []population.Fix) []population.Fix {
	var out []population.Fix
	for _, f := range all {
		out = append(out, population.Fix{Row: f.Row, Action: f.Action, State: population.FixPending, Due: f.Due})
	}
	return out
}
