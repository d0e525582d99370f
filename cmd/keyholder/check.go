package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/bot"
	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator"
	"github.com/keyholder/keyholder/workflows/keyring"
	"github.com/keyholder/keyholder/workflows/loops"
	"github.com/keyholder/keyholder/workflows/tokens"
)

type checkCmd struct {
	configFlags
	Mail   string `placeholder:"ADDRESS" help:"Send one test letter to this address, as of a drill, and nothing else."`
	StepUp bool   `name:"step-up" help:"Walk through one proof at the identity provider, say which claims came, and nothing else."`
}

// checkTimeout bounds each look outside.
const checkTimeout = 20 * time.Second

// findings collects what check prints: marks as everywhere, ✓ good, ! advice, ✗ fault, ? could not be told.
type findings struct {
	w      *world
	faults int
}

func (f *findings) head(title string)            { fmt.Fprintln(f.w.out, "\n"+title) }
func (f *findings) good(format string, a ...any) { fmt.Fprintf(f.w.out, "  ✓ "+format+"\n", a...) }
func (f *findings) note(format string, a ...any) { fmt.Fprintf(f.w.out, "  ! "+format+"\n", a...) }
func (f *findings) open(format string, a ...any) { fmt.Fprintf(f.w.out, "  ? "+format+"\n", a...) }
func (f *findings) bad(format string, a ...any) {
	f.faults++
	fmt.Fprintf(f.w.out, "  ✗ "+format+"\n", a...)
}

// Run prints every fault of each file at once; then it looks at whatever the file says enough about.
func (c checkCmd) Run(w *world) error {
	alone := c.alone()
	if !alone && (c.Mail != "" || c.StepUp) {
		return exitError{exitUsage, "--mail and --step-up try one configuration: name one file with --config"}
	}
	files, err := c.load()
	if err != nil {
		return exitError{exitFault, err.Error()}
	}
	if len(files) == 0 {
		return exitError{exitFault, nothingThere(c.Config)}
	}
	f := &findings{w: w}
	for i, file := range files {
		if file.Config == nil && alone {
			return exitError{exitFault, file.Faults[0].Problem}
		}
		if i > 0 {
			fmt.Fprintln(w.out)
		}
		f.file(file)
		if file.Config == nil {
			continue
		}
		switch {
		case c.Mail != "":
			return c.testLetter(w.ctx, f, file.Config)
		case c.StepUp:
			return f.walkStepUp(w.ctx, file.Config)
		}
		f.outside(file.Config)
	}
	f.addresses(files)
	if f.faults > 0 {
		return exitError{exitFault, count(f.faults, "fault") + " found"}
	}
	return nil
}

// nothingThere says that a folder, or several, holds no file.
func nothingThere(paths []string) string {
	return fmt.Sprintf("there is no .yaml file in %s. Write one with: keyholder init --out FILE",
		strings.Join(paths, ", "))
}

// file says what the file alone shows.
func (f *findings) file(file config.File) {
	fmt.Fprintln(f.w.out, file.Path)
	for _, x := range file.Faults {
		f.bad("%s", x)
	}
	if len(file.Faults) == 0 {
		f.good("no faults; %s", count(len(file.Config.Accounts), "account"))
		for _, a := range file.Config.Advice() {
			f.note("%s", a)
		}
	}
}

// outside looks at what the file names.
func (f *findings) outside(cfg *config.Config) {
	quiet := zerolog.Nop()
	owners, processes := f.redis(f.w.ctx, cfg, quiet)
	f.slack(f.w.ctx, cfg, quiet, processes)
	f.accounts(f.w.ctx, cfg, quiet, owners)
	f.mail(f.w.ctx, cfg)
	f.stepUp(f.w.ctx, cfg)
}

// addresses says where operators are answered when files name different addresses.
func (f *findings) addresses(files []config.File) {
	if listen, others := config.Listen(files); len(others) > 0 {
		fmt.Fprintln(f.w.out)
		f.note("one process answers operators at one address, %s; what %s under listen has no effect beside it", listen,
			strings.Join(others, ", ")+map[bool]string{true: " says", false: " say"}[len(others) == 1])
	}
}

// mail reaches the mail server, if there is one, and hands nothing in.
func (f *findings) mail(ctx context.Context, cfg *config.Config) {
	f.head("Mail and alarms")
	if cfg.Secrets.MailURL == "" && cfg.Secrets.AlarmWebhook == "" {
		f.note("neither mail (mail.url_env) nor a webhook (alarm.webhook_env) is configured: holders attest in drills, and alarms come in Slack only.")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	p, err := serve.Post(cfg, time.Now)
	switch {
	case err != nil:
		f.bad("%v", err)
	case cfg.Secrets.MailURL == "":
		f.note("no mail is configured (mail.url_env): holders attest in drills")
	default:
		if err := p.CheckMail(ctx); err != nil {
			f.bad("%v. Look at host, port, user and password in the variable that mail.url_env names.", err)
		} else {
			f.good("the mail server takes letters from %s; nothing was sent. A test letter: keyholder check --mail ADDRESS", cfg.Mail.From)
		}
	}
	if cfg.Secrets.AlarmWebhook != "" {
		f.good("alarms are posted to the webhook; it is not tried here, for somebody would be alarmed")
	}
}

// testLetter sends one letter to an address.
func (c checkCmd) testLetter(ctx context.Context, f *findings, cfg *config.Config) error {
	f.head("Mail")
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	p, err := serve.Post(cfg, time.Now)
	if err == nil {
		err = p.SendTest(ctx, c.Mail)
	}
	if err != nil {
		f.bad("%v", err)
		return exitError{exitFault, "the test letter was not sent"}
	}
	f.good("a test letter was handed in for %s: look whether it arrives", c.Mail)
	return nil
}

// redis says what the server promises, and answers the recorded owners and how many processes work
// on the record, -1 for not known.
func (f *findings) redis(ctx context.Context, cfg *config.Config, log zerolog.Logger) (owners map[string]string,
	processes int) {
	f.head("Redis")
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if cfg.RedisURL() == "" && len(cfg.Redis.Addrs) == 0 {
		f.open("not looked at: no server is named")
		return nil, -1
	}
	o := serve.StoreOptions(cfg, log)
	o.Look = true
	st, err := store.Open(ctx, o)
	if err != nil {
		f.redisFault(err)
		return nil, -1
	}
	defer st.Close()
	promises, err := st.Promises(ctx)
	if err != nil {
		f.redisFault(err)
		return nil, -1
	}
	for _, p := range promises {
		text := strings.TrimSpace(p.Sentence + " " + p.Cure)
		switch p.Level {
		case store.OK:
			f.good("%s", text)
		case store.Warn:
			f.note("%s", text)
		case store.Fault:
			f.bad("%s", text)
		default:
			f.open("%s", text)
		}
	}
	f.neighbours(ctx, st)
	f.seal(st, cfg)
	desk := loops.NewDesk(loops.DeskOptions{Store: st, Machines: serve.Machines(),
		Policies: serve.Policies(cfg), Now: time.Now, Log: log})
	owners = map[string]string{}
	for _, a := range cfg.Accounts {
		if owner, err := desk.Owner(ctx, a.ID); err == nil {
			owners[a.ID] = owner
		}
	}
	if processes, err = st.Processes(ctx); err != nil {
		processes = -1
	}
	return owners, processes
}

// redisFault says what keeps Redis from being used, and what to do.
func (f *findings) redisFault(err error) {
	if errors.Is(err, workflows.ErrAway) {
		f.bad("Redis does not answer: %v. Start it, or correct its address (REDIS_URL, else redis.url or redis.addrs), then run check again.", err)
		return
	}
	f.bad("%v", err)
}

// neighbours says where a record would begin anew beside others, as after a change of redis.prefix.
func (f *findings) neighbours(ctx context.Context, st *store.Store) {
	refs, err := st.Refs(ctx, "")
	if err != nil {
		f.bad("%v", err)
		return
	}
	if len(refs) > 0 {
		f.good("the record begins with the prefix %s: %s", st.Prefix(), count(len(refs), "record"))
		return
	}
	others, err := st.Neighbours(ctx)
	if err != nil {
		f.bad("%v", err)
		return
	}
	if len(others) > 0 {
		f.note("there is no record yet with the prefix %s, but this Redis holds others: %s. If this one should go on with one of them, set redis.prefix to it.",
			st.Prefix(), strings.Join(others, ", "))
		return
	}
	f.good("there is no record yet with the prefix %s: the first start begins one", st.Prefix())
}

// seal says what vouches for the record.
func (f *findings) seal(st *store.Store, cfg *config.Config) {
	key := config.EnvSealKey
	switch st.Standing() {
	case store.Sealed:
		f.good("the record is sealed with %s: what is changed in Redis by hand is not believed", key)
	case store.SealedFormerly:
		f.note("the record is sealed with a later key of %s; the next start seals it with the first, and then the later ones can go", key)
	case store.SealedOnce:
		f.note("the record is not yet sealed with %s; the next start seals it as its events say it is, and tells the channel", key)
	case store.SealedElsewhere:
		f.bad("the record is sealed, but %s is not set: keyholder run would take the seals away. Set it as it was.",
			key)
	default:
		if len(cfg.Secrets.SealKeys) == 0 {
			f.note("%s is not set, so whoever writes to Redis can change what Keyholder believes. Make one with: openssl rand -base64 32", key)
		}
	}
}

// slack looks at the app and at the people the file names. processes is how many Keyholders work on
// the record, -1 for not known.
func (f *findings) slack(ctx context.Context, cfg *config.Config, log zerolog.Logger, processes int) {
	f.head("Slack")
	ctx, cancel := context.WithTimeout(ctx, 2*checkTimeout)
	defer cancel()
	api, err := serve.Slack(cfg, log, nil)
	if err != nil {
		f.open("not looked at: the tokens are missing or of the wrong kind")
		return
	}
	var channels []string
	if ch := cfg.Slack.AuditChannel; ch != "" {
		channels = append(channels, ch)
	}
	for _, a := range cfg.Accounts {
		if ch := a.ChannelOr(cfg.Slack.Channel); ch != "" {
			channels = append(channels, ch)
		}
	}
	p, err := bot.LookAt(ctx, api, channels...)
	if err != nil {
		f.bad("%v", err)
		return
	}
	f.good("the bot token belongs to %s (%s), bot user %s", p.Team, p.TeamID, p.BotUser)
	if p.AppToken != "" {
		f.bad("%s", p.AppToken)
	} else {
		f.good("the app-level token opens connections")
	}
	if strangers := p.Connections - max(processes, 0); processes >= 0 && strangers > 0 {
		f.note("Slack has %s for this app that %s of no Keyholder on this record: another installation with the same tokens takes part of the clicks. "+
			"End it, or give it an app of its own.", count(strangers, "connection"),
			map[bool]string{true: "is", false: "are"}[strangers == 1])
	}
	if p.Scopes == nil {
		f.open("Slack did not say which scopes are granted")
	}
	f.scopes(p.Missing, cfg.Secrets.SlackAppToken)
	for _, ch := range p.Channels {
		if ch.Fault != "" {
			f.bad("channel %s: %s", ch.ID, ch.Fault)
		} else {
			f.good("channel %s (%s) can be posted to", ch.Name, ch.ID)
		}
		if ch.Advice != "" {
			f.note("channel %s (%s): %s", ch.Name, ch.ID, ch.Advice)
		}
	}
	f.people(ctx, cfg, roster.New(api, time.Now, nil))
}

// scopes says of each missing scope what is lost and what to click.
func (f *findings) scopes(missing []bot.Scope, appToken string) {
	for _, s := range missing {
		click := fmt.Sprintf("under Scopes, Bot Token Scopes, press Add an OAuth Scope and choose %s", s.Name)
		if s.Needed {
			f.bad("the scope %s is missing: %s. To add it: %s.", s.Name, s.Lost, click)
		} else {
			f.note("without the scope %s this is lost: %s. To have it: %s.", s.Name, s.Lost, click)
		}
	}
	if len(missing) > 0 {
		f.note("scopes are added at %s; press Reinstall to Workspace there when all are, and run check again. The tokens stay the same.",
			appPage(appToken))
	}
}

// appIn finds the app's ID in its app-level token.
var appIn = regexp.MustCompile(`^xapp-\d+-(A[A-Z0-9]+)-`)

// appPage is where the scopes of the app are.
func appPage(appToken string) string {
	if m := appIn.FindStringSubmatch(appToken); m != nil {
		return "https://api.slack.com/apps/" + m[1] + "/oauth"
	}
	return "https://api.slack.com/apps (the app, OAuth & Permissions)"
}

// people names everyone the file counts on who does not count.
func (f *findings) people(ctx context.Context, cfg *config.Config, roster workflows.Roster) {
	for _, a := range cfg.Accounts {
		facts := workflows.Facts{Groups: map[string][]string{}, People: map[string]workflows.Person{}}
		named := append(append(append([]string{}, a.HolderIDs()...), a.ApproverIDs()...),
			append(append([]string{}, a.Admins...), a.Auditors...)...)
		named = append(append(append(named, a.AllReviewerIDs()...), a.AccessApproverIDs()...),
			a.RecoveryApproverIDs()...)
		named = append(append(append(named, a.KeeperIDs()...), a.ITIDs()...), a.Quiet...)
		for _, id := range named {
			if !workflows.IsGroup(id) || facts.Groups[id] != nil {
				continue
			}
			members, err := roster.Group(ctx, id)
			if err != nil {
				f.bad("%s: the user group %s cannot be read: %s. Run check again in a minute; where it stays so, add the scope usergroups:read.", a.ID, id, slackapi.Clean(err))
			} else if len(members) == 0 {
				f.bad("%s: the user group %s is not there in Slack, or nobody is in it, so nobody counts by it. Compare the ID in Slack (People > User groups), or name people.", a.ID, id)
			}
			facts.Groups[id] = append([]string{}, members...)
		}
		people, err := roster.People(ctx, facts.Expand(named))
		if err != nil {
			f.bad("%s: the people cannot be looked up: %v", a.ID, err)
			continue
		}
		f.count(a, facts, people)
		facts.People = people
		if p, ok := serve.Policies(cfg).Policy(a.ID); ok {
			f.key(p, facts)
		}
	}
}

// key says which parts of an account's key too few can use, by what only Slack knows: who is in a group, and who
// can no longer act. What the file alone shows is advice of its own.
func (f *findings) key(p workflows.Policy, facts workflows.Facts) {
	byFile := keyring.Of(keyring.Known{Policy: p}).Gaps()
	for _, g := range keyring.Of(keyring.Known{Policy: p, Facts: facts}).Gaps() {
		known := func(o keyring.Gap) bool { return o.Code == g.Code && o.What == g.What && o.Where == g.Where }
		if slices.ContainsFunc(byFile, known) {
			continue
		}
		what := map[string]string{
			keyring.Mailbox: "read the mailbox", keyring.Password: "use the password of",
			keyring.SecondFactor: "use the second factor of",
		}[g.What]
		switch {
		case what == "":
		case g.Code == keyring.GapNobody:
			f.note("%s: nobody who can act in Slack can %s %s. Name two people.", p.ID, what, g.Where)
		case g.Code == keyring.GapAlone:
			f.note("%s: of those who can act in Slack only %s can %s %s. Name a second person.", p.ID,
				strings.Join(g.People, ", "), what, g.Where)
		}
	}
}

func (f *findings) count(a config.Account, facts workflows.Facts, people map[string]workflows.Person) {
	for _, id := range slices.Sorted(maps.Keys(people)) {
		if p := people[id]; p.Standing != "" {
			f.note("%s: %s does not count: %s. Remove them from the file or put it right in Slack.", a.ID,
				strings.TrimSpace(id+" "+p.Name), standingWord(p.Standing))
		}
	}
	standing := approvals.Standing{}
	for id, p := range people {
		standing[id] = p.Standing
	}
	quiet := facts.Expand(a.Quiet)
	for _, q := range []question{
		{"transfer", "", a.ApproverIDs(), a.Approvers.Lists(), a.Transfer.Quorum},
		{"access", " access", a.AccessApproverIDs(), a.Access.Approvers.Lists(), a.Access.Quorum},
		{"recovery", " a recovery", a.RecoveryApproverIDs(), a.Recovery.Approvers.Lists(), a.Recovery.Quorum},
	} {
		q.people, q.lists = facts.Expand(q.people), facts.ExpandLists(q.lists)
		f.electorate(a, q, standing, quiet)
	}
}

// question is one that an account's approvers answer; what names it where it is not a transfer.
type question struct {
	section, what string
	people        []string
	lists         [][]string
	quorum        int
}

// electorate says whether those who answer a question can, now that Slack was asked about them and the groups.
func (f *findings) electorate(a config.Account, q question, standing approvals.Standing, quiet []string) {
	able, hear := 0, 0
	for _, id := range q.people {
		if standing.Code(id) == "" {
			able++
			if !slices.Contains(quiet, id) {
				hear++
			}
		}
	}
	b := approvals.Ballot{Quorum: q.quorum, Electorate: q.people, Lists: q.lists}
	switch {
	case able < q.quorum:
		f.bad("%s: %s.quorum is %d, but only %s of those who approve%s can act. Name more, or lower the quorum.", a.ID,
			q.section, q.quorum,
			count(able, "person"), q.what)
	case b.DeadEnd(standing, nil, b.Opens) != nil:
		f.bad("%s: a different person of each list must approve%s, and of those who can act none is left for one of them. Name more in the lists.",
			a.ID, q.what)
	case hear == 0:
		f.bad("%s: everybody who can approve%s is quiet, so nobody would be asked. Leave somebody out of quiet.", a.ID,
			q.what)
	default:
		f.good("%s: %d of %s who approve%s can act; %d needed", a.ID, able, count(len(q.people), "person"), q.what,
			q.quorum)
	}
}

func standingWord(code string) string {
	switch code {
	case workflows.StandingGuest:
		return "a guest"
	case workflows.StandingBot:
		return "a bot"
	case workflows.StandingDeactivated:
		return "deactivated in Slack"
	case workflows.StandingForeign:
		return "of another workspace"
	case workflows.StandingInvited:
		return "invited to Slack, but never signed in"
	}
	return "not known to Slack"
}

// accounts probes what each token can do.
func (f *findings) accounts(ctx context.Context, cfg *config.Config, log zerolog.Logger, owners map[string]string) {
	gateway := serve.Gateway(cfg, log, time.Now, nil)
	defer gateway.Close()
	for _, a := range cfg.Accounts {
		f.head("integrator.io: " + a.Name + " (" + a.ID + ")")
		if owner := owners[a.ID]; owner != "" && a.Owner != "" && !workflows.SameEmail(owner, a.Owner) {
			f.note("the file says owner: %s, the record knows better: %s", a.Owner, owner)
		}
		if cfg.Token(a.ID, "") == "" {
			f.note("no token: people act in the pages and attest; Keyholder sees nothing by itself")
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, checkTimeout)
		caps, id, err := gateway.Probe(bounded, a.ID, "")
		cancel()
		if err != nil {
			f.bad("%s", tokenFault(a, err))
			continue
		}
		f.good("the token is known at %s (account user %s)", a.APIBase(), id.UserID)
		f.capability("read users", caps.ReadUsers)
		f.capability("read transfers", caps.ReadTransfers)
		f.capability("change users", caps.ChangeUsers)
		f.capability("start a transfer", caps.Start)
		f.ownToken(ctx, gateway, cfg, a)
	}
}

// ownToken says of which kind Keyholder's own token is and when it ends.
func (f *findings) ownToken(ctx context.Context, gateway *integrator.Gateway, cfg *config.Config, a config.Account) {
	bounded, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	all, err := gateway.Tokens(bounded, a.ID, "")
	p, _ := serve.Policies(cfg).Policy(a.ID)
	own := tokens.OwnOf(all, p.TokenName, p.TokenEnds)
	text := workflows.Plain(own.Sentence(), nil)
	switch {
	case !own.Known && err != nil:
		f.open("%s. The token cannot list the account's API tokens", text)
	case !own.Known:
		f.open("%s", text)
	case !own.Ends.IsZero() && len(p.WarnBefore) > 0 && time.Until(own.Ends) < slices.Max(p.WarnBefore):
		f.note("%s: make a new one in time", text)
	default:
		f.good("%s", text)
	}
}

// tokenFault says why a token could not be tried, and what to do.
func tokenFault(a config.Account, err error) string {
	var api *integrator.APIError
	switch {
	case errors.As(err, &api) && api.Status == http.StatusUnauthorized:
		return fmt.Sprintf("%s answers: 401, the token in %s is wrong, revoked or expired. Make one there (Resources > API tokens) as owner or administrator, "+
			"set the variable to it, and start Keyholder again.", a.APIBase(), a.TokenEnv)
	case errors.As(err, &api) && api.Status == http.StatusForbidden:
		return fmt.Sprintf("%s answers: 403, the token in %s may not even be asked whose it is. Make one with full access, and set the variable to it.", a.APIBase(), a.TokenEnv)
	}
	return fmt.Sprintf("%s answers: %v. Look whether the region (or api_url) is the account's, and whether this machine reaches it; then run check again.", a.APIBase(), err)
}

func (f *findings) capability(what string, can workflows.Can) {
	switch can {
	case workflows.Yes:
		f.good("can %s", what)
	case workflows.No:
		f.note("cannot %s: people do that and attest", what)
	default:
		f.open("whether it can %s shows when it is tried; if not, people do it", what)
	}
}
