package config

import (
	"fmt"
	"slices"
	"strings"
)

// Advice is something that works and may still hurt. It never keeps Keyholder from starting.
type Advice struct {
	File string
	// Line counts from 1. It is the line of the field, or of the group it is missing from.
	Line int
	// Field is the path of the key ("accounts[0].aliases[0].holders").
	Field string
	// Text says what was found and what to do; Why says what can go wrong otherwise. Both are whole sentences.
	Text, Why string
}

// String is the advice in one line, such as "keyholder.yaml:14: accounts[0].aliases[0].vault: No place ... Why: ...".
func (a Advice) String() string {
	return oneLine(fmt.Sprintf("%s:%d: %s: %s Why: %s", a.File, a.Line, a.Field, a.Text, a.Why))
}

// Advice is all advice that the file alone gives ground for, in file order. What only Slack, Redis or
// integrator.io know (guests, a channel whose messages may be deleted) is for check to find.
func (c *Config) Advice() []Advice {
	v := &adviser{cfg: c}
	if c.Slack.CheckpointChannel() == "" {
		v.add("slack.channel", "No channel is named. Name one that the bot is in and where nobody may delete messages.",
			"Audit checkpoints are then posted nowhere, so who operates Redis could rewrite the record unseen.")
	}
	for i := range c.Accounts {
		path, account := index("accounts", i), &c.Accounts[i]
		v.owner(path, account)
		for j := range account.Aliases {
			v.alias(index(path+".aliases", j), account, &account.Aliases[j])
		}
		v.approvers(path, account)
		v.quorums(path, account)
		v.reviewer(path, account)
		v.quiet(path, account)
		v.stepUp(path, account)
	}
	v.shared()
	v.codes()
	if v.cfg.Alarm.WebhookEnv != "" && v.cfg.Alarm.WebhookSecretEnv == "" {
		v.add("alarm.webhook_env",
			"Alarms are posted without a signature. Name a secret at webhook_secret_env that the receiver knows.",
			"Whoever knows the address can then send false alarms.")
	}
	slices.SortStableFunc(v.out, func(a, b Advice) int { return a.Line - b.Line })
	return v.out
}

type adviser struct {
	cfg *Config
	out []Advice
}

func (v *adviser) add(path, text, why string) {
	v.out = append(v.out, Advice{File: v.cfg.file, Line: v.cfg.marks.at(path).line, Field: path, Text: text, Why: why})
}

func (v *adviser) owner(path string, a *Account) {
	if _, ok := a.Alias(a.Owner); !ok && a.Owner != "" && len(a.Aliases) > 0 {
		v.add(path+".owner",
			fmt.Sprintf("%s is a person's address, or at least none of the aliases. Transfer the account to %s when you can.", show(a.Owner), show(a.Aliases[0].Email)),
			"When that person leaves, nobody can open the owner's mailbox, and only Celigo support can help.")
	}
}

func (v *adviser) alias(path string, a *Account, alias *Alias) {
	if n := people(alias.Holders); n < 3 {
		v.add(path+".holders", fmt.Sprintf("%s can read %s. Name three or more, or a user group.", persons(n),
			show(alias.Email)),
			"Who asks for a transfer cannot confirm it, and one of the others may be away.")
	}
	v.keepers(path, a, alias)
	if alias.Vault == "" {
		v.add(path+".vault",
			fmt.Sprintf("No place is named where the password of %s is kept. Write the name of the vault item, never the password.", show(alias.Email)),
			"In an emergency people look for it first.")
	}
	if eligible := a.ApproverIDs(); knownPeople(eligible) && knownPeople(alias.Holders) && len(eligible) > 0 &&
		subset(eligible, alias.Holders) {
		v.add(v.approversAt(path),
			fmt.Sprintf("Everyone who may confirm a transfer to %s also holds that mailbox. Name an approver who does not.", show(alias.Email)),
			"The people who gain the key then decide alone that they get it.")
	}
}

// keepers looks at who can sign in as the owner: two of each, and nobody both alone.
func (v *adviser) keepers(path string, a *Account, alias *Alias) {
	password, factor := alias.PasswordIDs(), alias.SecondFactorIDs()
	if len(alias.Custodians) > 0 || len(password)+len(factor) == 0 {
		v.fewKeepers(path+".custodians", "the password", alias, password)
	} else {
		v.fewKeepers(path+".password", "the password", alias, password)
		v.fewKeepers(path+".second_factor", "the second factor", alias, factor)
	}
	if sole := soleKeeper(password, factor); sole != "" && len(alias.Custodians) == 0 {
		v.add(path+".second_factor",
			fmt.Sprintf("%s alone can use both the password and the second factor of %s. Name somebody else for one of them.", show(sole), show(alias.Email)),
			"That person can sign in as owner without anybody knowing, and nobody can without them.")
	}
	keepers, eligible := union(password, factor), a.ApproverIDs()
	if len(keepers) > 0 && knownPeople(keepers) && knownPeople(eligible) && subset(keepers, eligible) {
		v.add(path+".custodians",
			fmt.Sprintf("Everyone who can use the password or the second factor of %s also approves transfers. Name a keeper who does not.", show(alias.Email)),
			"The same people then hold the key and decide who gets it.")
	}
	for i, to := range v.cfg.Alarm.To {
		if strings.EqualFold(to, alias.Email) {
			v.add(index("alarm.to", i),
				fmt.Sprintf("Alarms go to %s, which is the owner's mailbox or may become it. Name another address.",
					show(to)),
				"Whoever takes that mailbox over reads the alarm about it; it is best used for nothing else.")
		}
	}
}

// fewKeepers speaks of fewer than two who can use a half of the key.
func (v *adviser) fewKeepers(path, what string, alias *Alias, keepers []string) {
	switch n := people(keepers); {
	case len(keepers) == 0:
		v.add(path, fmt.Sprintf("Nobody is named who can use %s of %s. Name two of its holders.", what,
			show(alias.Email)),
			"Reading the mailbox is not enough to sign in as owner when a second factor is asked.")
	case n < 2:
		v.add(path, fmt.Sprintf("Only one person can use %s of %s. Name a second holder.", what, show(alias.Email)),
			"While that person is away, nobody can sign in as owner.")
	}
}

// approversAt is the account's approvers when the file names them, else the alias's holders, who are the default.
func (v *adviser) approversAt(alias string) string {
	account, _, _ := strings.Cut(alias, ".")
	if path := account + ".approvers"; v.cfg.marks.given(path) {
		return path
	}
	return alias + ".holders"
}

func (v *adviser) approvers(path string, a *Account) {
	eligible := a.ApproverIDs()
	if knownPeople(eligible) && len(eligible) == a.Transfer.Quorum && a.Transfer.Quorum > 1 {
		v.add(path+".transfer.quorum", fmt.Sprintf("All %d who may confirm a transfer must confirm it. Name one more.",
			len(eligible)),
			"None of them can then ask for a transfer, and one who is away stops every transfer.")
	}
}

func (v *adviser) quorums(path string, a *Account) {
	if a.Transfer.Quorum == 1 {
		v.add(path+".transfer.quorum", "One person alone can confirm a transfer. Two is the default.",
			"A single mistaken or stolen Slack account is then enough to change the owner.")
	}
	if a.Access.AdministratorQuorum == 1 {
		v.add(path+".access.administrator_quorum",
			"One person alone can make somebody administrator. Two is the default.",
			"An administrator can invite others and make API tokens.")
	}
}

// quiet looks for a question that cannot be decided without somebody who gets no card for it.
func (v *adviser) quiet(path string, a *Account) {
	if len(a.Quiet) == 0 {
		return
	}
	for _, question := range []struct {
		name   string
		people []string
		quorum int
	}{
		{"a transfer", a.ApproverIDs(), a.Transfer.Quorum},
		{"access", a.AccessApproverIDs(), a.Access.Quorum},
		{"a recovery", a.RecoveryApproverIDs(), a.Recovery.Quorum},
	} {
		loud := slices.DeleteFunc(slices.Clone(question.people), func(id string) bool {
			return slices.Contains(a.Quiet, id)
		})
		if knownPeople(question.people) && knownPeople(a.Quiet) && len(loud) < question.quorum {
			v.add(path+".quiet", fmt.Sprintf("%s who approve %s get a card, and %d must approve. Name fewer here.",
				persons(len(loud)), question.name, question.quorum),
				"It then waits for people whom nobody tells.")
		}
	}
}

// reviewer looks for a review that one person would have to do about themselves.
func (v *adviser) reviewer(path string, a *Account) {
	reviewers := a.ReviewerIDs()
	if len(reviewers) != 1 || IsGroup(reviewers[0]) {
		return
	}
	if sole := reviewers[0]; slices.Contains(a.Admins, sole) || slices.Contains(a.HolderIDs(), sole) {
		v.add(path+".review.reviewers",
			fmt.Sprintf("%s is the only reviewer and also an administrator or holder. Name a second one.", show(sole)),
			"Nobody reviews themselves, so that person's own access would stay unreviewed.")
	}
}

// shared looks for what two accounts should not have in common.
func (v *adviser) shared() {
	mailboxes, tokens := map[string]string{}, map[string]string{}
	for i := range v.cfg.Accounts {
		path, account := index("accounts", i), &v.cfg.Accounts[i]
		for j, alias := range account.Aliases {
			key := account.Region + " " + strings.ToLower(alias.Email)
			if other := mailboxes[key]; other != "" && other != account.ID && alias.Email != "" {
				v.add(index(path+".aliases", j)+".email",
					fmt.Sprintf("%s is an alias of %s too, in the same region. Give each account its own mailbox.",
						show(alias.Email), other),
					"integrator.io lets one address own one account of a region, so the second transfer would be refused.")
			} else {
				mailboxes[key] = account.ID
			}
		}
		if account.TokenEnv == "" {
			continue
		}
		if other := tokens[account.TokenEnv]; other != "" {
			v.add(path+".token_env", fmt.Sprintf("%s is also the token of %s. Give each account its own.",
				show(account.TokenEnv), other),
				"A token belongs to one account, so both would read and change the same one.")
		} else {
			tokens[account.TokenEnv] = account.ID
		}
	}
}

// people counts those named; a group counts as three, for how many it holds is not known here.
func people(ids []string) int {
	n := 0
	for _, id := range union(ids) {
		if n++; IsGroup(id) {
			n += 2
		}
	}
	return n
}

func persons(n int) string {
	if n == 1 {
		return "Only one person"
	}
	return fmt.Sprintf("Only %d people", n)
}

func knownPeople(ids []string) bool { return !slices.ContainsFunc(ids, IsGroup) }

func subset(ids, of []string) bool {
	return !slices.ContainsFunc(ids, func(id string) bool { return !slices.Contains(of, id) })
}
