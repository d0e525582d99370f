package transfer

import (
	"slices"
	"strconv"

	"github.com/keyholder/keyholder/workflows"
)

// What a transfer to a shared mailbox shows of who can use its key. Nothing is shown for anybody who
// did not say themselves, on their card, that it was for them to do.

// CheckProven is the check of who has shown that they can open the mailbox.
const CheckProven = "proven"

// minProven is how many should have shown it, as after a drill.
const minProven = 2

// proves adds to a decision that somebody could open the mailbox that gains the account: an
// invitation went there and was accepted.
func (s State) proves(cmd workflows.Command, d workflows.Decision, who, how string) workflows.Decision {
	if s.ToPerson != "" || who == "" {
		return d
	}
	return s.proven(cmd, d, []workflows.Proof{{What: workflows.KeyMailbox, Person: who, How: how}})
}

// provesKeepers adds what the tick of "a second holder has signed in" shows: password and second
// factor, each by whoever of the two keeps it. The first is who accepted, the second is who ticks;
// of whom it was when an administrator ticks, nobody says.
func (s State) provesKeepers(cmd workflows.Command, f workflows.Facts, d workflows.Decision,
	ticked bool) workflows.Decision {
	if s.ToPerson != "" || !ticked {
		return d
	}
	first := s.Invite.Accepted
	if s.Settle.Attested != "" {
		first = s.Settle.Attested
	}
	alias, _ := f.Policy.Alias(s.To)
	password, factor := f.Expand(alias.PasswordKeepers()), f.Expand(alias.SecondFactorKeepers())
	var proofs []workflows.Proof
	for _, who := range workflows.Union([]string{first, cmd.Actor.ID}) {
		if workflows.Among(who, password) {
			proofs = append(proofs, workflows.Proof{What: workflows.KeyPassword, Person: who, How: workflows.Attested})
		}
		if workflows.Among(who, factor) {
			proofs = append(proofs, workflows.Proof{What: workflows.KeySecondFactor, Person: who,
				How: workflows.Attested})
		}
	}
	return s.proven(cmd, d, proofs)
}

func (s State) proven(cmd workflows.Command, d workflows.Decision, proofs []workflows.Proof) workflows.Decision {
	if len(proofs) == 0 || len(d.Events) == 0 {
		return d
	}
	for i := range proofs {
		proofs[i].Owner, proofs[i].At, proofs[i].By = s.To, cmd.At, s.ID
	}
	d.Account = append(d.Account, cmd.Event(workflows.KeyProved, workflows.KeyProofs{Proofs: proofs}))
	return d
}

// checkProven advises a drill where too few have shown that they can open the mailbox.
func checkProven(s State, k workflows.KeyRecord) []Check {
	if s.ToPerson != "" {
		return nil
	}
	shown := slices.DeleteFunc(slices.Clone(s.ToHolders), func(h string) bool {
		return k.Proof(workflows.KeyMailbox, s.To, h).How == ""
	})
	c := Check{Key: CheckProven, Kind: Advice, Result: Pass,
		Text: "two holders or more have shown that they can open the mailbox"}
	if len(shown) >= minProven {
		return []Check{c}
	}
	c.Result, c.Text = Warning, "nobody has shown yet that they can open the mailbox"
	if len(shown) > 0 {
		c.Text = "only " + strconv.Itoa(len(shown)) + " of " + workflows.Plural(len(s.ToHolders), "holder") +
			" has shown that they can open the mailbox"
	}
	c.Remedy = "When it owns the account, start a drill: `{command} key " + s.AccountID + " drill`."
	return []Check{c}
}
