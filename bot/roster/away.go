package roster

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/slack-go/slack"
)

// absences are the statuses that say somebody does not work: words and phrases of the text, in
// lower case, and names of emoji. The emoji are those of Slack's own suggestions (Vacationing, Out
// sick) and their neighbours; an aeroplane or a bus is not there, for people work on the way.
var absences = struct{ phrases, emoji, presences []string }{
	phrases: []string{
		"vacation", "vacationing", "on vacation", "holiday", "holidays", "annual leave", "on leave", "parental leave",
		"maternity", "maternity leave",
		"paternity", "paternity leave", "family leave", "medical leave", "sick leave", "bereavement", "sabbatical",
		"out of office", "out of the office",
		"ooo", "oof", "pto", "sick", "unwell", "day off", "days off", "time off", "off today", "off work",
		"not working", "absent", "away until",
		"urlaub", "im urlaub", "krank", "elternzeit", "abwesend", "vacances", "en congé", "vacaciones", "de vacaciones",
		"ferie", "ferias", "férias",
	},
	emoji: []string{
		"palm_tree", "desert_island", "beach_with_umbrella", "umbrella_on_ground", "face_with_thermometer",
		"thermometer", "sneezing_face", "nauseated_face",
		"face_vomiting", "face_with_head_bandage", "hospital", "baby_bottle", "breast-feeding", "island", "camping",
		"skier",
	},
	// presences say the opposite, whatever else stands there.
	presences: []string{"back from", "working from", "working remotely", "remote", "wfh", "planning",
		"before my vacation", "after my vacation"},
}

// absent says whether Slack shows a person as absent at a time, and until when, zero where the
// status has no end. A status whose end has passed does not count. Source: user profile object,
// status_text, status_emoji, status_expiration (Unix seconds; 0: none).
func absent(p slack.UserProfile, at time.Time) (bool, time.Time) {
	var until time.Time
	if p.StatusExpiration > 0 {
		if until = time.Unix(int64(p.StatusExpiration), 0).UTC(); !until.After(at) {
			return false, time.Time{}
		}
	}
	text := " " + strings.Join(strings.FieldsFunc(strings.ToLower(p.StatusText), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}), " ") + " "
	says := func(phrases []string) bool {
		return slices.ContainsFunc(phrases, func(f string) bool { return strings.Contains(text, " "+f+" ") })
	}
	emoji, _, _ := strings.Cut(strings.Trim(p.StatusEmoji, ":"), "::") // ":baby_bottle::skin-tone-2:"
	if says(absences.presences) || !says(absences.phrases) && !slices.Contains(absences.emoji, emoji) {
		return false, time.Time{}
	}
	return true, until
}

// Drop forgets what is known of a person, so that the next look asks Slack. Look-ups that are under
// way do not bring back what was before.
func (r *Roster) Drop(id string) {
	key := "user/" + id
	r.flight.Forget(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drops++
	delete(r.cache, key)
	for k, e := range r.cache {
		if who, ok := e.value.(string); ok && who == id && strings.HasPrefix(k, "email/") {
			delete(r.cache, k)
		}
	}
}
