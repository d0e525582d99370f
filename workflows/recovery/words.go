package recovery

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/step"
)

// what says what a rung is about, in the middle of a sentence.
func (s State) what(rung string) string {
	switch rung {
	case RungReset:
		return "reset the password of " + workflows.Esc(s.Owner) + " through the mail's link"
	case RungIT:
		return "have IT give the mailbox " + workflows.Esc(s.Owner) + " back"
	case RungFactor:
		return "reset the second factor of " + workflows.Esc(s.Owner)
	case RungSupport:
		return "have Celigo support give the sign-in of " + workflows.Esc(s.Owner) + " back"
	}
	return workflows.Esc(rung)
}

// page is where the pages of integrator.io are.
func (s State) page() string {
	if s.UIHost == "" {
		return "integrator.io"
	}
	return workflows.Esc(s.UIHost)
}

// instructions are what to do on a rung, exactly as the pages have it.
func (s State) instructions(rung string) []string {
	reset := []string{
		workflows.Say("Open %s and choose *Sign in*. Enter %s and choose *Forgot password?*.",
			workflows.Text(s.page()), s.Owner),
		workflows.Say("Open the mailbox %s, take the newest mail about the password and follow its link. The new "+
			"password needs 10 characters, "+
			"capitals, small letters and a number, and must not be one of the last 20.", s.Owner),
		"Sign in once as the owner and open *Users*. Signing in ends every other session of the owner.",
	}
	switch rung {
	case RungReset:
		return reset
	case RungIT:
		return append([]string{"Send IT this text:\n```" + s.itText() + "```",
			"When the mailbox can be opened again:"}, reset...)
	case RungFactor:
		return []string{
			workflows.Say("If the owner's other device or the recovery codes are at hand: sign in with them as "+
				"%s, open *My profile* and set the second factor up anew.", s.Owner),
			workflows.Say("Else an administrator of the account opens *Users* on %s, finds %s or the owner's "+
				"line, and chooses *Actions*, *Reset MFA*; "+
				"where the owner is not listed, only the owner's device or support can.", workflows.Text(s.page()),
				s.Owner),
			"The next sign-in asks for a new second factor: set it up on devices of two keepers.",
		}
	case RungSupport:
		return []string{
			"Send this ticket to Celigo support (or to your account manager):\n```" + s.ticket() + "```",
			"Support asks for a video call, in which somebody shows at least two valid forms of identity: a " +
				"licence, a passport, a business card.",
		}
	}
	return nil
}

// itText is the text for IT's ticket.
func (s State) itText() string {
	return fmt.Sprintf("Please reactivate the mailbox %s, or let its mail be read by us, and tell us when it is "+
		"done.\n"+
		"Why: it owns our integrator.io account %s, and nobody can sign in as it (%s).\n"+
		"What we need: the mail that \"Forgot password?\" sends to it, which comes within minutes.\n"+
		"Please do not set up any forwarding beyond that, and tell us of forwarding rules that are there.\n"+
		"Reference: %s", plainWord(s.Owner), plainWord(s.AccountName), situationWord(s.Situation), s.ID)
}

// ticket is the text for Celigo support: what was tried, by whom, when, and who shows who they are.
func (s State) ticket() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Nobody can sign in as the owner of our integrator.io account.\n\nAccount: %s\nOwner: "+
		"%s\nWhat happened: %s (reported %s)\n",
		plainWord(s.AccountName), plainWord(s.Owner), situationWord(s.Situation),
		s.Begun.UTC().Format("2006-01-02 15:04 UTC"))
	if s.SignIns != nil {
		fmt.Fprintf(&b, "Last sign-in by the audit log: %s\n", s.SignIns.plain())
	}
	fmt.Fprintf(&b, "What we know: %s\n\nWhat was tried:\n", plainWord(s.Reason))
	tried := false
	for _, st := range s.started() {
		if st.Name != RungSupport {
			tried = true
			fmt.Fprintf(&b, "- %s: %s\n", workflows.Plain(s.what(st.Name), nil), attempt(st))
		}
	}
	if !tried {
		b.WriteString("- nothing else is left to try\n")
	}
	fmt.Fprintf(&b, "\nWho can show two forms of identity on a video call: %s\nPlease name a time for that "+
		"call.\nReference: %s",
		strings.Join(mentions(s.doers(RungSupport)), ", "), s.ID)
	return b.String()
}

// attempt is how a rung went, for the ticket.
func attempt(st step.Step) string {
	day := "2006-01-02 15:04 UTC"
	switch {
	case st.Blocked != nil:
		return fmt.Sprintf("did not work, %s, by %s: %s", st.Blocked.At.UTC().Format(day),
			workflows.Mention(st.Blocked.By), plainWord(st.Blocked.Text))
	case st.Passed != nil:
		return fmt.Sprintf("given up, %s, by %s", st.Passed.At.UTC().Format(day), workflows.Mention(st.Passed.By))
	case st.Done != nil:
		return fmt.Sprintf("done, %s, by %s: %s", st.Done.At.UTC().Format(day), workflows.Mention(st.Done.By),
			plainWord(st.Done.Text))
	}
	return "begun " + st.Began.UTC().Format(day)
}

// plainWord is somebody's words inside a text to copy, short: Slack shows 3000 characters at once.
// The whole stands on the card.
func plainWord(s string) string {
	return workflows.Esc(workflows.Clip(strings.Join(strings.Fields(s), " "), 160))
}

func mentions(people []string) []string {
	var out []string
	for _, who := range people {
		out = append(out, workflows.Mention(who))
	}
	return out
}

func (l lastSignIn) plain() string {
	if l.At.IsZero() {
		return "none since " + l.Since.UTC().Format("2006-01-02")
	}
	return l.At.UTC().Format("2006-01-02 15:04 UTC")
}

// sentence says what the audit log knows: perhaps nobody is locked out.
func (l lastSignIn) sentence() string {
	if l.At.IsZero() {
		return workflows.Say("integrator.io's audit log holds no sign-in of the owner since %t.", l.Since)
	}
	return workflows.Say("Somebody signed in as the owner at %t, by integrator.io's audit log: perhaps somebody "+
		"still can.", l.At)
}

// pointKeys are the points of securing that apply.
func pointKeys(s State) []string {
	keys := []string{"password", "second_factor", "sessions", "forwarding", "tokens"}
	if s.Situation == FactorOff {
		return slices.Concat([]string{"second_factor"}, keys[:1], keys[2:])
	}
	return keys
}

var pointLabels = map[string]string{
	"password":      "The password changed, and put where the vault item says",
	"second_factor": "The second factor set up with two keepers",
	"sessions":      "The owner's other sessions signed out",
	"forwarding":    "The mailbox's forwarding rules looked at",
	"tokens":        "The account's API tokens looked at",
}

func pointLabel(key string) string { return pointLabels[key] }

// points are the labels of points, for sentences.
func points(keys []string) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = strings.ToLower(pointLabel(k)[:1]) + pointLabel(k)[1:]
	}
	return out
}

// now says how it stands.
func (s State) now() string {
	switch s.Stage {
	case Asking:
		return workflows.Say("It waits for approval until %t.", s.Until)
	case Cooling:
		return workflows.Say("It is approved and can be stopped until %t.", s.Until)
	case Climbing:
		return workflows.Say("To do now: %s.", workflows.Text(s.what(s.Step.Name)))
	case Securing:
		return "The sign-in is regained and is being made safe."
	}
	return s.outcome()
}

// outcome says how it ended.
func (s State) outcome() string {
	switch s.Stage {
	case Regained:
		return "the owner's sign-in is regained."
	case Refused:
		return "it was refused."
	case Cancelled:
		return "it was cancelled."
	case Expired:
		return "nobody decided in time."
	case Failed:
		return "the last rung did not hold; the ticket for Celigo support stands on the card."
	}
	return ""
}
