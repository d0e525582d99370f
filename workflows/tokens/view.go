package tokens

import (
	"fmt"
	"strconv"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// view is what the world should show.
func (s State) view() workflows.View {
	var v workflows.View
	for i, env := range s.Envs {
		v.Watches = append(v.Watches, workflows.Watch{Name: "list-" + strconv.Itoa(i),
			Call: s.call(env, s.Lists[env].Mark), Every: readEvery})
	}
	if _, at, due := s.due(time.Time{}); due {
		v.Timers = []workflows.Timer{{Name: timerWarn, At: at.UTC().Truncate(time.Millisecond)}}
	}
	for _, f := range s.Findings {
		for _, who := range f.To {
			v.Cards = append(v.Cards, s.finding(f, who))
		}
		if f.Asked != "" && s.Channel != "" {
			v.Cards = append(v.Cards, s.whose(f))
		}
	}
	for _, w := range s.Warnings {
		for _, who := range w.To {
			v.Cards = append(v.Cards, s.warning(w, who))
		}
	}
	return v
}

func (s State) note() string { return "tokens: " + s.ID }

// sentence says what was found.
func (f Finding) sentence() string {
	if f.Grown != "" {
		return workflows.Say("The API token %q of %s reaches more than before: %s, before %s.", f.Token.Name,
			title(f.Env), scope(f.Token), f.Grown)
	}
	return workflows.Say("A new API token with full access in %s: %q.", title(f.Env), f.Token.Name)
}

func (s State) finding(f Finding, who string) workflows.Card {
	c := workflows.Card{Name: fmt.Sprintf("finding-%d", f.N), Recipient: who, Round: f.N, Note: s.note(),
		Title: workflows.Say("%s: ", s.AccountName) + f.sentence()}
	c.Fallback = workflows.Plain(c.Title, nil)
	c.Lines = []string{workflows.Say(
		"Seen at integrator.io, %t. It is %s; it needs no name to be used, and nobody's access ends it.", f.At,
		kindWord(f.Token.Kind))}
	if f.Token.Kind == workflows.TokenOfPerson {
		c.Lines[0] = workflows.Say(
			"Seen at integrator.io, %t. It is personal: it has its maker's rights and ends with their access.", f.At)
	}
	switch {
	case f.Over == overGone:
		c.Lines = append(c.Lines, workflows.Say("✓ It is revoked or gone, seen %t.", f.Since))
	case f.Over == overGrew:
		c.Lines = append(c.Lines, workflows.Say("It reaches still more by now, seen %t; a newer card asks.", f.Since))
	case f.Over != "":
		c.Lines = append(c.Lines, workflows.Say("✓ Expected by %s, %t.", workflows.Text(f.Taking.By(f.Over)),
			f.Since))
	default:
		c.Lines = append(c.Lines, f.madeBy(),
			"If nobody can say whose it is: revoke it at integrator.io, Resources, API tokens. That stops it at once.")
		c.Lines = append(c.Lines, f.Taking.Lines()...)
		if f.Asked != "" {
			c.Lines = append(c.Lines, workflows.Say("… %m asked in the channel whose it is, %t.", f.Asked, f.Since))
		}
		if f.Taking.Quorum == 0 || f.Taking.May(who) {
			c.Buttons = []workflows.Button{f.adopt()}
		}
		if f.Asked == "" && s.Channel != "" {
			c.Buttons = append(c.Buttons, workflows.Button{Action: ActAsk, Label: "Ask whose it is"})
		}
	}
	return c
}

// madeBy says who made or changed it, and how many have to expect it.
func (f Finding) madeBy() string {
	text := "integrator.io's audit log has not said who made or changed it."
	if f.Log != nil {
		text = f.Log.words() + " Whoever did does not say that it is expected."
	}
	as := "any access does"
	if f.Token.Full {
		as = "an administrator's access does"
	}
	if word := f.Taking.WordAs(as); word != "" {
		text += " If it is expected, say so." + word
	}
	return text
}

func (f Finding) adopt() workflows.Button {
	return workflows.Button{Action: ActAdopt, Label: "Expected", Style: workflows.Primary,
		Confirm: &workflows.Confirm{Title: "You know whose it is?", Yes: "Expected", No: "Back",
			Text: "You say, in your own name, that this token is wanted. It is not asked about again until it " +
				"reaches more."}}
}

func (s State) whose(f Finding) workflows.Card {
	title := workflows.Say("Whose is the API token %q of %s?", f.Token.Name, s.AccountName)
	c := workflows.Card{Name: fmt.Sprintf("whose-%d", f.N), Recipient: s.Channel, Title: title, Note: s.note(),
		Fallback: workflows.Plain(title, nil)}
	if f.Over != "" {
		c.Lines = []string{"It is answered."}
		return c
	}
	c.Lines = []string{workflows.Say("%m asks. In %s it has %s; if nobody knows it, it is revoked.", f.Asked,
		Environment(f.Env), scope(f.Token))}
	return c
}

// Environment is the name of an environment, production for the empty one.
func Environment(env string) string { return title(env) }

func (s State) warning(w Warning, who string) workflows.Card {
	c := workflows.Card{Name: fmt.Sprintf("ends-%d-%d", w.Ends.Unix(), int64(w.Before/time.Second)), Recipient: who,
		Note: s.note()}
	c.Title = workflows.Say("Keyholder's own token for %s ends %t", s.AccountName, w.Ends)
	if w.Before == 0 {
		c.Title = workflows.Say("Keyholder's own token for %s has ended", s.AccountName)
	}
	c.Fallback = workflows.Plain(c.Title, nil)
	c.Lines = []string{
		"From then on Keyholder cannot read or change anything there; people act and attest. Make a new one at integrator.io, Resources, API tokens, " +
			"put it into the variable that token_env names, and start Keyholder again.",
	}
	if !s.Own().Ends.Equal(w.Ends) {
		c.Lines = []string{"✓ Another one is in use by now."}
	}
	return c
}
