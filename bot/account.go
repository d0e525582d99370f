package bot

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/key"
)

// find answers the account that was named by ID or name, upper and lower case alike; with one
// account configured the name may be left out. The error is a refusal that names the nearest ones.
func (v *visit) find(ctx context.Context, named string) (workflows.AccountInfo, []workflows.AccountInfo, error) {
	all, err := v.b.o.Desk.Accounts(ctx)
	if err != nil {
		return workflows.AccountInfo{}, nil, err
	}
	named = unquote(unescape(named))
	if named == "" && len(all) == 1 {
		return all[0], all, nil
	}
	for _, a := range all {
		if named != "" && (strings.EqualFold(a.Policy.ID, named) || strings.EqualFold(a.Policy.Name, named)) {
			return a, all, nil
		}
	}
	switch {
	case len(all) == 0:
		return workflows.AccountInfo{}, nil, workflows.Refuse("no_accounts",
			"No account is configured. Ask whoever operates Keyholder to add one.")
	case named == "":
		return workflows.AccountInfo{}, all, workflows.Refuse("which_account", "Which account? Name one of "+names(all)+
			".")
	}
	if close := near(all, named); len(close) > 0 {
		return workflows.AccountInfo{}, all, workflows.Refuse("unknown_account", "There is no account "+
			workflows.Quote(workflows.Clip(named, 60))+
			". Nothing was recorded. Did you mean "+list(close)+"?")
	}
	return workflows.AccountInfo{}, all, workflows.Refuse("unknown_account", "There is no account "+
		workflows.Quote(workflows.Clip(named, 60))+
		". Nothing was recorded. `"+v.b.o.Command+" status` lists all there are.")
}

// quotes are the marks that people and their keyboards put around a name.
const quotes = "\"'`´“”„‟‘’‚‛«»‹›「」『』"

// unquote takes space and quotes of any kind from both ends.
func unquote(s string) string { return strings.Trim(s, quotes+" \t\u00a0\u202f") }

// unescape undoes what Slack does to the three characters of its markup in a command's text.
func unescape(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

// maxNamed is how many accounts are proposed at most.
const maxNamed = 3

// names lists accounts in the file's order, as many as can be read.
func names(all []workflows.AccountInfo) string {
	const most = 20
	if len(all) > most {
		return list(all[:most]) + ", and " + workflows.Plural(len(all)-most, "more")
	}
	return list(all)
}

func list(accounts []workflows.AccountInfo) string {
	var out []string
	for _, a := range accounts {
		out = append(out, "`"+a.Policy.ID+"` ("+workflows.Esc(a.Policy.Name)+")")
	}
	return workflows.List(out, "or")
}

// near are the accounts whose ID or name is close to what was typed, the closest first, at most [maxNamed].
func near(all []workflows.AccountInfo, typed string) []workflows.AccountInfo {
	away := func(a workflows.AccountInfo) int {
		return min(apart(typed, a.Policy.ID), apart(typed, a.Policy.Name))
	}
	var out []workflows.AccountInfo
	for _, a := range all {
		if away(a) < tooFar {
			out = append(out, a)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return away(out[i]) < away(out[j]) })
	return out[:min(maxNamed, len(out))]
}

// wordTransfer opens the form that asks for a transfer, wordAccess the one that asks for access.
func (v *visit) wordTransfer(ctx context.Context, rest string) (workflows.Reply, error) {
	return v.request(ctx, "transfer", rest)
}

func (v *visit) wordAccess(ctx context.Context, rest string) (workflows.Reply, error) {
	return v.request(ctx, "access", rest)
}

// blockAccount is the field of a request form that names the account; see the contract.
const blockAccount = "account"

// wordRecover opens the form that reports a lost sign-in.
func (v *visit) wordRecover(ctx context.Context, rest string) (workflows.Reply, error) {
	return v.request(ctx, "recovery", rest)
}

// request opens the request form of a machine, with the account pre-selected that was named.
func (v *visit) request(ctx context.Context, machine, rest string) (workflows.Reply, error) {
	if v.b.o.Forms[machine] == nil {
		return workflows.Reply{}, coded(codeUnknownForm)
	}
	account := ""
	a, all, err := v.find(ctx, rest)
	if err == nil {
		account = a.Policy.ID
	} else if rest != "" || len(all) == 0 {
		return workflows.Reply{}, err
	}
	if err := v.would(ctx, machine, account); err != nil {
		return workflows.Reply{}, err
	}
	if account == "" {
		if all, err = v.offered(ctx, machine, all); err != nil {
			return workflows.Reply{}, err
		}
	}
	return workflows.Reply{}, v.open(ctx, v.requestForm(ctx, machine, all, map[string]string{blockAccount: account}))
}

// offered are the accounts that a form offers to somebody: of a transfer none that they may not hand on.
func (v *visit) offered(ctx context.Context, machine string,
	all []workflows.AccountInfo) ([]workflows.AccountInfo, error) {
	if machine != "transfer" {
		return all, nil
	}
	mine := slices.DeleteFunc(slices.Clone(all), func(a workflows.AccountInfo) bool { return !v.mayHand(ctx, a) })
	if len(mine) == 0 {
		return nil, v.b.noneToHand(all)
	}
	return mine, nil
}

// mayHand reports whether somebody may ask for a transfer: holders, administrators and the present owner.
func (v *visit) mayHand(ctx context.Context, a workflows.AccountInfo) bool {
	if v.isOneOf(ctx, slices.Concat(a.Policy.HolderIDs(), a.Policy.Admins)) {
		return true
	}
	me, err := v.person(ctx)
	return err == nil && me.EmailConfirmed && workflows.SameEmail(me.Email, owner(a))
}

// noneToHand refuses the form of a transfer to somebody who may ask for none.
func (b *Bot) noneToHand(all []workflows.AccountInfo) error {
	return workflows.Refuse("not_permitted",
		"Only the holders of an account's shared mailbox, its administrators and its present owner can ask for a transfer, "+
			"and you are none of these for "+names(all)+". Nothing was recorded. "+
			b.fill("`{command} status ACCOUNT` names whom to ask."))
}

// requestForm is the request form of a machine that has one, with what stands in it already.
func (v *visit) requestForm(ctx context.Context, machine string, all []workflows.AccountInfo,
	chosen map[string]string) workflows.Modal {
	policies := make([]workflows.Policy, 0, len(all))
	for _, a := range all {
		policies = append(policies, a.Policy)
	}
	m := v.b.o.Forms[machine](ctx, policies, chosen, v.b.at())
	m.Inputs = slices.Clone(m.Inputs)
	for i := range m.Inputs {
		in := &m.Inputs[i]
		if in.Block == blockAccount {
			in.More = fmt.Sprintf("For another one name it with the command: %s %s ID.", v.b.o.Command, machine)
		}
		if is, given := chosen[in.Block]; given && !in.Follows && in.Takes(is) {
			in.Initial = is
		}
	}
	return remembering(m, chosen)
}

// would answers what somebody's request of a machine would be refused for whatever they write, so
// that they hear it before they do.
func (v *visit) would(ctx context.Context, machine, account string) error {
	if account == "" {
		return nil
	}
	id, err := v.b.o.Desk.NewWorkflowID(machine, account, "would", v.who.user, cmp.Or(v.who.trigger, v.ack.envelope))
	if err != nil {
		return nil // the form's own answer says what is wrong
	}
	return v.b.o.Desk.Would(ctx, workflows.Command{ID: "would/" + id, Workflow: id, Account: account,
		Name: machine + ".request", Actor: v.who.actor(),
		At: v.b.at(), Round: workflows.NoRound, Submitted: true})
}

// filled is a form that a machine answered a click with. Where it is the request form of another
// machine, that machine's own form is made, with the account and the texts that were given.
func (v *visit) filled(ctx context.Context, m workflows.Modal) (workflows.Modal, error) {
	machine, isRequest := strings.CutSuffix(m.Callback, requestCallback)
	if !isRequest || strings.HasPrefix(v.cmd.Name, machine+".") {
		return m, nil
	}
	if v.b.o.Forms[machine] == nil {
		return m, coded(codeUnknownForm)
	}
	all, err := v.b.o.Desk.Accounts(ctx)
	if err != nil {
		return m, err
	}
	chosen := map[string]string{}
	for _, given := range m.Inputs {
		chosen[given.Block] = given.Initial
	}
	chosen[blockAccount] = m.Account
	return v.requestForm(ctx, machine, all, chosen), nil
}

// wordStatus tells about one account, or shortly about all when none is named.
func (v *visit) wordStatus(ctx context.Context, rest string) (workflows.Reply, error) {
	a, all, err := v.find(ctx, rest)
	if err != nil && (rest != "" || len(all) == 0) {
		return workflows.Reply{}, err
	}
	if err == nil {
		return v.status(ctx, a)
	}
	lines := []string{"*" + workflows.Plural(len(all), "account") + "* (`" + v.b.o.Command +
		" status ACCOUNT` tells more)"}
	for _, a := range all {
		lines = append(lines, "", "*"+workflows.Esc(a.Policy.Name)+"* (`"+a.Policy.ID+"`)",
			"Owner: "+workflows.Esc(owner(a)))
	}
	return say(strings.Join(lines, "\n")), nil
}

func owner(a workflows.AccountInfo) string { return cmp.Or(a.State.Owner, a.Policy.Owner) }

// status is everything about one account. The line "Owner: address" is part of the contract.
func (v *visit) status(ctx context.Context, a workflows.AccountInfo) (workflows.Reply, error) {
	open, err := v.b.o.Desk.OpenOf(ctx, a.Policy.ID)
	if err != nil {
		return workflows.Reply{}, err
	}
	lines := []string{"*" + workflows.Esc(a.Policy.Name) + "* (`" + a.Policy.ID + "`)",
		"Owner: " + workflows.Esc(owner(a)), since(a.State)}
	if mine := v.ownRole(ctx, a); mine != "" {
		lines = append(lines, mine)
	}
	if len(open) == 0 {
		lines = append(lines, "Open: nothing.")
	} else {
		lines = append(append(lines, "Open:"), v.b.list(ctx, open, v.who.user)...)
	}
	for _, al := range a.Policy.Aliases {
		lines = append(lines, alias(al)+" "+key.Shown(al, a.State.Key))
	}
	if len(a.Policy.Aliases) == 0 {
		lines = append(lines,
			"No shared mailbox is configured for this account. One that several people can read outlives each of them.")
	}
	if !a.Policy.Token {
		lines = append(lines, "",
			"Keyholder has no API token for this account, so people do these steps and say so here. To hand the account on at integrator.io: "+
				"the present owner opens *Users*, presses the arrow next to the new owner's name, chooses *Make account owner* and then *Confirm*. "+
				"Start it with `"+v.b.o.Command+" transfer "+a.Policy.ID+"`, so that it is approved and recorded.")
	}
	return say(strings.Join(lines, "\n")), nil
}

// rolePatience is how long a status waits for integrator.io to say what the asker has; it then does without.
const rolePatience = time.Second

// ownRole says what the asker has in the account's production, "" when that is not known.
func (v *visit) ownRole(ctx context.Context, a workflows.AccountInfo) string {
	me, err := v.person(ctx)
	if err != nil || me.Email == "" {
		return ""
	}
	if workflows.SameEmail(me.Email, owner(a)) {
		return "You: the owner."
	}
	if v.b.o.Census == nil || !a.Policy.Token {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, rolePatience)
	defer cancel()
	census, err := v.b.o.Census(ctx, a.Policy.ID, "")
	if err != nil {
		return ""
	}
	for _, u := range census.Users {
		if workflows.SameEmail(u.Email, me.Email) {
			return "You" + userRow(u, a.State.DecisionOn("", u), unsaid{}) + "."
		}
	}
	return "You: no access of your own."
}

// since says from when the owner is known and by which decision.
func since(s workflows.AccountState) string {
	text := "By the configuration file; Keyholder has seen no change of owner yet."
	_, _, decided := workflows.ParseID(s.By)
	switch {
	case decided && !s.Since.IsZero():
		text = "Since " + workflows.When(s.Since) + ", by `" + s.By + "`"
		if s.Previous != "" {
			text += "; before that " + workflows.Esc(s.Previous)
		}
		text += "."
	case !s.Since.IsZero():
		text = "As configured when Keyholder first saw the account, " + workflows.When(s.Since) + "."
	}
	return text
}

func alias(a workflows.Alias) string {
	text := "Mailbox " + workflows.Esc(a.Email) + ": read by " + people(a.Holders)
	password, factor := a.PasswordKeepers(), a.SecondFactorKeepers()
	switch {
	case len(password)+len(factor) == 0:
		text += "; who has its password and second factor is not recorded"
	case slices.Equal(password, factor):
		text += "; password and second factor: " + people(password)
	default:
		text += "; password: " + people(password) + "; second factor: " + people(factor)
	}
	return text + "."
}

// people lists users and user groups; nobody is said, not left out.
func people(ids []string) string {
	if len(ids) == 0 {
		return "nobody"
	}
	var out []string
	for _, id := range ids {
		if workflows.IsGroup(id) {
			out = append(out, "<!subteam^"+workflows.Esc(id)+">")
			continue
		}
		out = append(out, workflows.Mention(id))
	}
	return workflows.List(out, "and")
}
