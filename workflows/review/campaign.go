package review

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// Campaign is the machine of one account's review in one period; its zero value is ready.
type Campaign struct{}

var _ workflows.Machine = Campaign{}

// Name implements workflows.Machine.
func (Campaign) Name() string { return "campaign" }

// Letter implements workflows.Machine.
func (Campaign) Letter() byte { return 'r' }

// Schema implements workflows.Machine.
func (Campaign) Schema() int { return 1 }

// New implements workflows.Machine.
func (Campaign) New() workflows.State { return CampaignState{} }

// Decode implements workflows.Machine.
func (Campaign) Decode(raw []byte) (workflows.State, error) {
	var s CampaignState
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("decode campaign: %w", err)
	}
	return s, nil
}

// Needs implements workflows.Machine. Planning asks about everybody who may review.
func (Campaign) Needs(st workflows.State, cmd workflows.Command, p workflows.Policy,
	_ workflows.AccountState) workflows.Needs {
	s := st.(CampaignState)
	var n workflows.Needs
	if cmd.Name == ExportReview {
		return n // it asks for nothing, so that the command line needs no Slack for it
	}
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = []string{cmd.Actor.ID}
	}
	switch {
	case cmd.Name == StartCampaign, cmd.Name == StartAgain:
		n.People = workflows.Union(n.People, population.Reviewers(p.Review), p.HolderIDs(), custodians(p.Aliases),
			p.Admins,
			p.Auditors)
		n.Delegations = workflows.Union(population.Reviewers(p.Review), p.HolderIDs(), p.Admins)
	case s.Phase == CampaignGathering, s.Phase == CampaignOpen && cmd.Name == workflows.CmdReceipt:
		n.People = workflows.Union(n.People, population.Reviewers(s.Policy), s.Holders, custodians(s.Aliases), s.Admins)
		n.Delegations = workflows.Union(population.Reviewers(s.Policy), s.Holders, s.Admins)
	case cmd.Name == ActDelegates:
		n.People = workflows.Union(n.People, s.Holders, custodians(s.Aliases))
	}
	return n
}

func custodians(aliases []workflows.Alias) []string {
	var out []string
	for _, a := range aliases {
		out = workflows.Union(out, a.Keepers())
	}
	return out
}

// Decide implements workflows.Machine.
func (Campaign) Decide(st workflows.State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	return decideCampaign(st.(CampaignState), cmd, f)
}

// Apply implements workflows.Machine.
func (Campaign) Apply(st workflows.State, e workflows.Event) (workflows.State, error) {
	s := st.(CampaignState)
	fold, known := campaignFolds[e.Type]
	if !known {
		return s, fmt.Errorf("apply %q: %w", e.Type, workflows.ErrUnknownEvent)
	}
	s.Names, s.Gathered, s.Mailboxes = maps.Clone(s.Names), maps.Clone(s.Gathered), maps.Clone(s.Mailboxes)
	s.Readings, s.Parts, s.Notes = slices.Clone(s.Readings), slices.Clone(s.Parts), slices.Clip(s.Notes)
	if err := fold(&s, e); err != nil {
		return st, fmt.Errorf("apply %s: %w", e.Type, err)
	}
	return s, nil
}

// View implements workflows.Machine.
func (Campaign) View(st workflows.State) workflows.View { return st.(CampaignState).view() }

// Tell implements workflows.Machine.
func (Campaign) Tell(e workflows.Event) string { return tellCampaignEvent(e) }

// decideCampaign finds what answers a command.
func decideCampaign(s CampaignState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	ours := cmd.Actor.Kind == workflows.ByKeyholder
	switch {
	case cmd.Name == StartCampaign && !s.Opened(), cmd.Name == StartAgain && s.Phase == CampaignCancelled:
		return start(cmd, f)
	case !s.Opened():
		return workflows.Decision{}, workflows.Refuse("unknown_action",
			"There is no such review. Nothing was recorded.")
	case cmd.Name == workflows.CmdReceipt:
		return s.received(cmd, f)
	case cmd.Name == workflows.CmdTimer:
		return s.timer(cmd)
	case cmd.Name == packetMoved && ours:
		return s.moved(cmd)
	case cmd.Name == ImportUsers && ours:
		return s.imported(cmd, f, cmd.Input["uploader"])
	case cmd.Name == ExportReview && ours:
		return s.exported(cmd)
	case cmd.Actor.Kind != workflows.ByPerson:
		return workflows.Decision{}, nil
	}
	return s.byPerson(cmd, f)
}

// byPerson authorises what administrators and holders do about the population.
func (s CampaignState) byPerson(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	acts := map[string]func(CampaignState, workflows.Command, workflows.Facts) (workflows.Decision, error){
		ActImport: CampaignState.importFile, ActCount: CampaignState.count, ActDelegates: CampaignState.mailSystem,
		ActReread: CampaignState.reread}
	act, known := acts[cmd.Name]
	if !known {
		return workflows.Decision{}, workflows.Refuse("unknown_action",
			"That button is not one of this card's. Nothing was recorded. Use the buttons on your card.")
	}
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return workflows.Decision{}, r
	}
	if who := s.managers(); !workflows.Among(cmd.Actor.ID, who) {
		return workflows.Decision{}, workflows.Refuse("not_permitted",
			"Only the administrators and holders look after this review: "+workflows.Mentions(who)+
				". Nothing was recorded.")
	}
	if s.Closed() {
		r := workflows.Refuse("closed", "This review is over. Nothing was recorded.")
		r.Refresh = true
		return workflows.Decision{}, r
	}
	return act(s, cmd, f)
}

// managers are the people who look after a campaign: administrators and holders.
func (s CampaignState) managers() []string { return workflows.Union(s.Admins, s.Holders) }

// fold applies events to a state.
func (s CampaignState) fold(events ...workflows.Event) (CampaignState, error) {
	var st workflows.State = s
	var err error
	for _, e := range events {
		if st, err = (Campaign{}).Apply(st, e); err != nil {
			return s, err
		}
	}
	return st.(CampaignState), nil
}

// start opens a campaign of the running period: an administrator by command, or the calendar.
func start(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	p := f.Policy
	person := cmd.Actor.Kind == workflows.ByPerson
	if person {
		if r := mayStart(cmd, f); r != nil {
			return workflows.Decision{}, r
		}
	}
	period, err := worktime.CalendarOf(p.Review).At(cmd.At)
	if err != nil {
		return workflows.Decision{}, fmt.Errorf("find the running period: %w", err)
	}
	if cmd.Input["period"] != period.ID || cmd.Workflow != workflows.NamedID('r', p.ID, f.Shards, period.ID) {
		return workflows.Decision{}, workflows.Refuse("wrong_period", "The running period is "+period.ID+
			". Nothing was recorded.")
	}
	st := freeze(cmd, f, period)
	d := workflows.Decision{Events: []workflows.Event{cmd.Event(evStarted, started{st, named(st, f)})},
		Calls: censuses(st, cmd)}
	if !slices.ContainsFunc(workflows.Union(st.Reviewers, st.Admins, st.Holders), func(who string) bool {
		return f.People[who].Standing == "" && f.People[who].ID != ""
	}) {
		const why = "None of the reviewers, administrators and holders is an active full member of this workspace"
		if person {
			return workflows.Decision{}, workflows.Refuse("nobody", "Nobody could review this account. "+why+
				". Nothing was recorded. Whoever operates Keyholder can run `keyholder check`.")
		}
		// the calendar is nobody to tell: the channel hears of it
		d.Events, d.Calls = append(d.Events, cmd.Event(evCalledOff, slow{Why: why + "."})), nil
	}
	next, err := CampaignState{}.fold(d.Events...)
	if err != nil {
		return d, err
	}
	d.Account = []workflows.Event{cmd.Event(workflows.ReviewMoved, next.summary())}
	if person {
		d.Reply = next.startedReply(cmd)
	}
	return d, nil
}

// mayStart says why a person may not start a review, nil when they may.
func mayStart(cmd workflows.Command, f workflows.Facts) *workflows.Refusal {
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return r
	}
	if admins := f.Expand(f.Policy.Admins); !workflows.Among(cmd.Actor.ID, admins) {
		return workflows.Refuse("not_permitted", "Only the account's administrators start a review: "+orNobody(admins)+
			". Nothing was recorded. The calendar opens each review by itself on its day.")
	}
	return nil
}

// censuses ask for the users of every environment with a token.
func censuses(st population.Started, cmd workflows.Command) []workflows.Call {
	var out []workflows.Call
	for _, env := range st.Environs {
		if !env.Token {
			continue
		}
		call := censusOf(st.AccountID, env.Name)
		if env.Name != "" {
			call.Deadline = cmd.At.Add(otherWithin)
		}
		out = append(out, call)
	}
	return out
}

// censusOf asks for the users of one environment, with the answers as they came.
func censusOf(account, environment string) workflows.Call {
	return workflows.Call{Op: workflows.OpCensus, Account: account, Environment: environment, Raw: true}
}

// startedReply tells who started it what happens next.
func (s CampaignState) startedReply(cmd workflows.Command) workflows.Reply {
	text := "The review of " + workflows.Esc(s.AccountName) + " for " + s.Period + " is open: " + s.ID + ". "
	if s.needsFile() {
		text += "Keyholder has no token to read the users, so your card asks for a CSV of the Users page."
	} else {
		text += "The users are being read; then each reviewer gets one card, due " + workflows.When(s.Due) + ", in " +
			workflows.Span(s.Due.Sub(cmd.At)) + "."
	}
	return workflows.Reply{Text: text, Link: s.ID}
}

func orNobody(ids []string) string {
	if len(ids) == 0 {
		return "none is configured"
	}
	return workflows.Mentions(ids)
}

// freeze fixes rules and people as they are now.
func freeze(cmd workflows.Command, f workflows.Facts, period worktime.Period) population.Started {
	p := f.Policy
	st := population.Started{ID: cmd.Workflow, AccountID: p.ID, AccountName: or(p.Name, p.ID), Period: period.ID,
		By:     cmd.Actor,
		ByName: f.People[cmd.Actor.ID].Name,
		Due:    cmd.At.Add(p.Review.Window), Closes: cmd.At.Add(p.Review.Window + p.Review.Grace),
		Owner: f.Account.Owner, OwnerSince: f.Account.Since, OwnerBy: f.Account.By, Proofs: f.Account.Key.Proofs,
		Reviewers: f.Expand(p.Review.Reviewers), Admins: f.Expand(p.Admins), Holders: f.Expand(p.HolderIDs()),
		Auditors: f.Expand(p.Auditors),
		Channel:  p.Channel, UIHost: p.UIHost, Policy: p.Review, TokenName: p.TokenName}
	for _, a := range p.Aliases {
		a.Holders, a.Custodians = f.Expand(a.Holders), f.Expand(a.Keepers())
		st.Aliases = append(st.Aliases, a)
	}
	st.Policy.Reviewers = st.Reviewers
	st.Policy.ByRole, st.Policy.ByIntegration = expandRules(f, p.Review.ByRole), expandRules(f, p.Review.ByIntegration)
	st.Environs = append([]workflows.Environment{{Token: p.Token}}, p.Access.Environments...)
	return st
}

// named are the Slack names of everybody whom a campaign concerns.
func named(st population.Started, f workflows.Facts) known {
	return known{Names: knownOf(f, workflows.Union(st.Reviewers, st.Admins, st.Holders, st.Auditors,
		population.Reviewers(st.Policy))...).Names}
}

func expandRules(f workflows.Facts, rules map[string][]string) map[string][]string {
	if len(rules) == 0 {
		return nil
	}
	out := map[string][]string{}
	for key, ids := range rules {
		out[key] = f.Expand(ids)
	}
	return out
}

// summary is the campaign as the account's record lists it.
func (s CampaignState) summary() workflows.ReviewSummary {
	c := s.Counts()
	return workflows.ReviewSummary{ID: s.ID, Period: s.Period, Stage: s.Phase, Opened: s.Begun, Closed: s.ClosedAt,
		Rows: s.Rows,
		Keep: c.Keep, Change: c.Change, Remove: c.Remove, NoAnswer: c.NoAnswer, Open: c.ToFix - c.Fixed}
}
