package review

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/lists"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// importFile takes a CSV of the Users page from an administrator or holder.
func (s CampaignState) importFile(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if !cmd.Submitted {
		return workflows.Decision{Reply: workflows.Reply{Modal: s.importForm()}}, nil
	}
	d, err := s.imported(cmd, f, cmd.Actor.ID)
	var r *workflows.Refusal
	if errors.As(err, &r) && r.Field != "" {
		return workflows.Decision{Reply: workflows.Reply{Errors: map[string]string{r.Field: r.Text}}}, nil
	}
	return d, err
}

// imported reads a file that somebody gave: the uploader is a Slack ID, or "operator: name".
func (s CampaignState) imported(cmd workflows.Command, f workflows.Facts, uploader string) (workflows.Decision, error) {
	env := cmd.Input[BlockEnvironment]
	if env == workflows.Production {
		env = ""
	}
	onField := func(field, text string) error {
		return &workflows.Refusal{Code: "import", Field: field, Text: text}
	}
	was := s.readingOf(env)
	if !slices.ContainsFunc(s.Readings, func(r Reading) bool { return r.Environment == env }) {
		return workflows.Decision{}, onField(BlockEnvironment,
			"This review has no such environment. Choose one of the list. Nothing was recorded.")
	}
	if s.Phase == CampaignGathering && was.Source == SourceAPI {
		return workflows.Decision{}, onField(BlockEnvironment,
			"This environment was read from integrator.io already; no file is needed.")
	}
	if s.Phase == CampaignOpen || s.Phase == CampaignClosing {
		return workflows.Decision{}, onField(BlockFile,
			"The reviewers are at work on a list that is frozen. A fresh list counts again when the review has closed, to verify what was done.")
	}
	if was.Edit > 0 && older(cmd, was.Edit) && s.Phase == CampaignGathering {
		return workflows.Decision{}, onField(BlockFile, s.laterList(was))
	}
	extracted, text := extraction(cmd.Input[BlockExtracted], s.Begun, cmd.At)
	if text != "" {
		return workflows.Decision{}, onField(BlockExtracted, text)
	}
	raw := []byte(cmd.Input[BlockFile])
	users, extra, err := lists.ParseUsers(raw)
	if err != nil {
		return workflows.Decision{}, onField(BlockFile, workflows.Clip(err.Error(), 1900)+
			"\nNothing was recorded. Correct the file and give it again.")
	}
	if owner := extra.Owner; owner.Email != "" && !approvals.SameAddress(owner.Email, s.Owner) {
		// Somebody whom the file calls the owner, and the record does not: a user like others, or
		// the owner has changed. They are decided upon, and the owner's row says what does not
		// agree.
		users = append(users, owner)
	}
	packed, err := pack(raw)
	if err != nil {
		return workflows.Decision{}, fmt.Errorf("pack the file: %w", err)
	}
	sum := sha256.Sum256(raw)
	reading := Reading{Environment: env, Source: SourceCSV, At: extracted, Count: len(users), Filters: "none",
		Unread: extra.Missing, File: workflows.Clip(cmd.Input[BlockFile+workflows.FileName], 200),
		FileSHA256: hex.EncodeToString(sum[:]), Uploader: uploader, Uploaded: cmd.At}
	file := cmd.Event(evFile, RawFile{Environment: env, Name: reading.File, SHA256: reading.FileSHA256, Gzip: packed})
	if s.Phase == CampaignFixing {
		return s.verifyBy(cmd, reading, file, users)
	}
	rows := population.UserRows(env, workflows.Census{At: extracted, Users: users, Unread: extra.Missing}, s.Started,
		f.Account,
		extracted)
	reading.Told = append(s.toldOf(env, rows, extra.Owner, f.Account), against(cmd.Input[BlockLast], env, rows)...)
	d, err := s.freezeRows(cmd, f, []workflows.Event{file}, reading, rows)
	d.Reply = workflows.Reply{
		Text: fmt.Sprintf("Read: %s in %s.%s Now another administrator or holder has to confirm on their card that the Users page shows as many.",
			workflows.Plural(len(users), "user"), workflows.Quote(or(reading.File, "the file")), notRead(extra)) +
			s.otherManagers(uploader)}
	return d, err
}

// older reports whether a form was opened before an edit: what it shows is no longer so. A form
// carries the number of edits of its time as its round.
func older(cmd workflows.Command, edit int) bool {
	return cmd.Round != workflows.NoRound && cmd.Round < edit
}

// laterList says what became of an environment's list since a form was opened.
func (s CampaignState) laterList(r Reading) string {
	text := workflows.Say("%m gave a list of this environment since you opened this form: %q with %n", r.Uploader,
		or(r.File, "a file"), r.Count, "user")
	if r.ConfirmedBy != "" {
		text += workflows.Say(", and %m has confirmed it", r.ConfirmedBy)
	}
	return text + ". Nothing was recorded. Close the form and look at your card; if that list is wrong, open the form again."
}

// notRead says what of a file does not count as a user or was not looked at.
func notRead(extra lists.ParsedCSV) string {
	text := ""
	if extra.Owner.Email != "" {
		text += " The owner, " + workflows.Esc(extra.Owner.Email) + ", has a row of their own."
	}
	if len(extra.Ignored) > 0 {
		text += " Not read: the columns " + workflows.Esc(workflows.Clip(strings.Join(extra.Ignored, ", "), 200)) + "."
	}
	return text
}

// toldAtMost is how many names a sentence about a list holds.
const toldAtMost = 25

// toldOf says what a second person has to look at in a file, by name: who administers, whom the
// file calls the owner against the record, and what is not as decisions here left it.
func (s CampaignState) toldOf(env string, rows []population.Row, owner workflows.User,
	account workflows.AccountState) []string {
	var admins, changed, gone []string
	there := map[string]bool{}
	for _, r := range rows {
		key := workflows.GivenKey(env, r.Email)
		there[key] = true
		if r.Role == workflows.RoleAdministrator {
			admins = append(admins, workflows.Esc(r.Email))
		}
		if g, known := account.Given[key]; known && g.Mark != r.Access().Mark() && r.Status != workflows.UserDismissed {
			changed = append(changed, workflows.Esc(r.Email)+" ("+workflows.Esc(r.Role)+")")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(account.Given)) {
		email, ours := strings.CutPrefix(key, env+"/")
		if ours && !there[key] && account.Given[key].Mark != "" && account.Given[key].Mark != workflows.RoleNone {
			gone = append(gone, workflows.Esc(email))
		}
	}
	var out []string
	if owner.Email != "" && !approvals.SameAddress(owner.Email, s.Owner) {
		out = append(out, "it calls "+workflows.Esc(owner.Email)+" the owner, and the record says "+
			workflows.Esc(s.Owner))
	}
	out = toldPart(out, "administrators:", admins)
	out = toldPart(out, "not with the role that was decided here last:", changed)
	return toldPart(out, "missing, though decided here last:", gone)
}

// otherManagers names who can confirm a file, in a sentence with a space before it.
func (s CampaignState) otherManagers(uploader string) string {
	others := slices.DeleteFunc(s.managers(), func(who string) bool { return who == uploader })
	if len(others) == 0 {
		return " Nobody else is configured, so the review cannot begin: name another administrator or holder first."
	}
	return " That can be " + workflows.List(mentioned(others), "or") + "."
}

func mentioned(ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = workflows.Mention(id)
	}
	return out
}

// extraction reads when a list was taken from the page: RFC 3339, or a date.
func extraction(text string, begun, now time.Time) (time.Time, string) {
	text = strings.TrimSpace(text)
	if text == "" {
		return now, ""
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02"} {
		at, err := time.Parse(layout, text)
		switch {
		case err != nil:
			continue
		case at.After(now.Add(time.Minute)):
			return at, "That time lies ahead. Give when the list was taken from the page."
		case at.Before(begun.Add(-extractionAge)):
			return at, "That list is more than a week older than the review. Take a fresh one from the page."
		}
		return at, ""
	}
	return now, "Give it as 2026-10-05 14:30 (UTC) or 2026-10-05T14:30:00Z, or leave it empty for now."
}

// extractionAge is how much older than the campaign a list may be.
const extractionAge = 7 * 24 * time.Hour

// count takes a second person's word that the page shows as many rows as the file.
func (s CampaignState) count(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	var events []workflows.Event
	own := false
	for _, r := range s.Readings {
		if r.Source != SourceCSV || r.ConfirmedBy != "" {
			continue
		}
		if r.Uploader == cmd.Actor.ID {
			own = true
			continue
		}
		events = append(events, cmd.Event(evCounted, counted{known: knownOf(f, cmd.Actor.ID),
			Environment: r.Environment, Count: r.Count}))
	}
	switch {
	case len(events) == 0 && own:
		return workflows.Decision{}, workflows.Refuse("own_file",
			"You gave the file, so another person has to confirm the number of users: "+
				workflows.Mentions(slices.DeleteFunc(s.managers(), func(who string) bool {
					return who == cmd.Actor.ID
				}))+
				". Nothing was recorded.")
	case len(events) == 0:
		return workflows.Decision{}, workflows.Refuse("nothing",
			"There is no file to confirm just now. Nothing was recorded.")
	case cmd.Round != workflows.NoRound && cmd.Round != s.Round:
		r := workflows.Refuse("old_round",
			"This card has changed since you opened it. Nothing was recorded by this click. Look at your card; it shows what is asked now.")
		r.Refresh = true
		return workflows.Decision{}, r
	}
	d, err := s.moveOn(cmd, f, events)
	d.Reply = workflows.Reply{Text: "Recorded: you confirm the number of users of " + workflows.Plural(len(events),
		"list") + "."}
	return d, err
}

// freshList begins what a remedy says of the list that verified it, in place of a person.
const freshList = "list of "

// verifyBy verifies with a new list what is only somebody's word so far.
func (s CampaignState) verifyBy(cmd workflows.Command, reading Reading, file workflows.Event,
	users []workflows.User) (workflows.Decision, error) {
	if reading.At.Before(s.ClosedAt.Truncate(time.Minute)) {
		return workflows.Decision{}, &workflows.Refusal{Code: "import", Field: BlockExtracted,
			Text: "That list is older than the end of the review, so it cannot show what was done since. Take a fresh one from the page, and give the time as well as the date."}
	}
	lines := make([]string, len(users))
	for i, u := range users {
		lines[i] = strings.ToLower(u.Email) + " " + u.Role
	}
	d := workflows.Decision{Events: []workflows.Event{file, cmd.Event(evCheckedNew, wasRead{Reading: reading})}}
	for _, p := range s.Parts {
		if p.Counts.ToFix > 0 && !p.Ended {
			d.Calls = append(d.Calls, workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: p.ID,
				Command: packetSeen, Input: map[string]string{
					"at": reading.At.UTC().Format(time.RFC3339), "environment": reading.Environment,
					"users": strings.Join(lines, "\n"), "reading": freshList + reading.At.UTC().Format(time.RFC3339) +
						" given by " + or(s.Names[reading.Uploader], reading.Uploader)}})
		}
	}
	d.Reply = workflows.Reply{Text: "Read: " + workflows.Plural(len(users), "user") +
		". What was only somebody's word before that list was taken is compared with it now; the cards show what came of it."}
	return d, nil
}

// mailSystem takes what the mail system says of a shared mailbox, or somebody's word that its
// holders are those who can open it.
func (s CampaignState) mailSystem(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if !cmd.Submitted {
		return workflows.Decision{Reply: workflows.Reply{Modal: s.mailSystemForm()}}, nil
	}
	onField := func(field, text string) (workflows.Decision, error) {
		return workflows.Decision{Reply: workflows.Reply{Errors: map[string]string{field: text}}}, nil
	}
	i := slices.IndexFunc(s.Aliases, func(a workflows.Alias) bool {
		return workflows.SameEmail(a.Email, cmd.Input[BlockAlias])
	})
	if i < 0 {
		return onField(BlockAlias, "Choose one of the shared mailboxes.")
	}
	raw := []byte(cmd.Input[BlockFile])
	attest := cmd.Input[BlockAttest] != ""
	if attest == (len(raw) > 0) {
		return onField(BlockFile,
			"Give a list from the mail system or your word below, one of the two. Nothing was recorded.")
	}
	alias := strings.ToLower(s.Aliases[i].Email)
	if m, told := s.Mailboxes[alias]; told && older(cmd, m.Edit) {
		return onField(BlockFile,
			workflows.Say("%m has said who can open this mailbox since you opened this form, %t. Nothing was recorded. "+
				"Close the form and look at your card; if it is still to be changed, open the form again.", m.By, m.At))
	}
	body := mailSystem{known: knownOf(f, cmd.Actor.ID), Mailbox: Mailbox{Email: alias, By: cmd.Actor.ID, At: cmd.At}}
	if attest { // a word takes no list back: what it shows stands beside it
		body.Attested, body.Delegates = cmd.Actor.ID, s.Mailboxes[alias].Delegates
	} else {
		list, err := lists.ParseDelegates(raw)
		if err != nil {
			return onField(BlockFile, workflows.Clip(err.Error(), 1900)+
				"\nNothing was recorded. Correct the file and give it again.")
		}
		packed, err := pack(raw)
		if err != nil {
			return workflows.Decision{}, fmt.Errorf("pack the file: %w", err)
		}
		sum := sha256.Sum256(raw)
		body.Delegates, body.File, body.SHA256, body.Gzip = list,
			workflows.Clip(cmd.Input[BlockFile+workflows.FileName], 200), hex.EncodeToString(sum[:]), packed
	}
	body.Differences = s.differences(alias, body.Mailbox, f)
	d := workflows.Decision{Events: []workflows.Event{cmd.Event(evMailSystem, body)}}
	for _, p := range s.Parts {
		if !p.Closed {
			d.Calls = append(d.Calls, tellMailbox(s, p.ID, body.Mailbox))
		}
	}
	text := "Recorded for " + workflows.Esc(alias) + ": the mail system's list of " +
		workflows.Plural(len(body.Delegates), "delegate") + "."
	if attest {
		text = "Recorded for " + workflows.Esc(alias) + ": your word that exactly the holders can open it."
	}
	if len(body.Differences) > 0 {
		text += " Whoever reviews the mailbox sees what does not agree: " + strings.Join(body.Differences, "; ") + "."
	}
	d.Reply = workflows.Reply{Text: text}
	return d, nil
}

// differences between the holders of a mailbox and what was given about it.
func (s CampaignState) differences(alias string, m Mailbox, f workflows.Facts) []string {
	emails, delegates, attested := map[string]string{}, map[string][]string{}, map[string]string{}
	for id, p := range f.People {
		if p.Email != "" && p.EmailConfirmed {
			emails[id] = p.Email
		}
	}
	if m.Attested != "" {
		attested[alias] = m.Attested
	}
	if m.Attested == "" || len(m.Delegates) > 0 {
		delegates[alias] = m.Delegates
	}
	masters, _ := population.MasterRows(s.Started, nil, delegates, attested, emails)
	for _, r := range masters {
		if workflows.SameEmail(r.Email, alias) {
			return r.Differences
		}
	}
	return nil
}

// importForm asks for a CSV of the Users page.
func (s CampaignState) importForm() *workflows.Modal {
	var envs []workflows.Option
	for _, r := range s.Readings {
		if s.Phase != CampaignGathering || r.Source != SourceAPI {
			name := or(r.Environment, workflows.Production)
			envs = append(envs, workflows.Option{Value: name, Label: name})
		}
	}
	initial := ""
	if len(envs) > 0 {
		initial = envs[0].Value
	}
	return &workflows.Modal{Callback: FormImport, Action: ActImport, Title: "The users, from a file", Submit: "Read it",
		Workflow: s.ID, Account: s.AccountID, Round: s.Edits,
		Intro: []string{"In integrator.io, under My account > Users, take the list with the columns Name, Email, Role, Status, Enable user and Last sign in into a CSV file. Filter nothing. You, the file's hash and the time are kept; another person then confirms the number of users."},
		Inputs: []workflows.Input{
			{Block: BlockEnvironment, Kind: workflows.InputSelect, Label: "Environment", Options: envs,
				Initial: initial},
			{Block: BlockFile, Kind: workflows.InputFile, Label: "CSV file", FileTypes: []string{"csv", "txt"}},
			{Block: BlockExtracted, Kind: workflows.InputText, Label: "When was it taken from the page?",
				Hint: "As 2026-10-05 14:30 in UTC. Empty: now.", Optional: true, MaxLength: 40},
		}}
}

// mailSystemForm asks who can open a shared mailbox.
func (s CampaignState) mailSystemForm() *workflows.Modal {
	var aliases []workflows.Option
	for _, a := range s.Aliases {
		aliases = append(aliases, workflows.Option{Value: a.Email, Label: a.Email})
	}
	initial := ""
	if len(aliases) > 0 {
		initial = aliases[0].Value
	}
	return &workflows.Modal{Callback: FormDelegates, Action: ActDelegates, Title: "Who opens the mailbox",
		Submit: "Record it", Workflow: s.ID, Account: s.AccountID, Round: s.Edits,
		Intro: []string{"Whoever can open the mailbox of the owner holds the master key. Give the list of delegates from your mail system, or, where it gives none, IT's word that it agrees with the holders here."},
		Inputs: []workflows.Input{
			{Block: BlockAlias, Kind: workflows.InputSelect, Label: "Shared mailbox", Options: aliases,
				Initial: initial},
			{Block: BlockFile, Kind: workflows.InputFile, Label: "List of delegates (CSV, one address a line)",
				FileTypes: []string{"csv", "txt"}, Optional: true},
			{Block: BlockAttest, Kind: workflows.InputChecks, Label: "Or my word", Optional: true,
				Options: []workflows.Option{{Value: BlockAttest,
					Label: "I have looked: exactly the holders can open it", Description: "Recorded under your name"}}},
		}}
}
