package workflows

import (
	"encoding/json"
	"time"
)

// Page answers [OpPage]: what an account's documentation says now, and what became of the page that
// shows it.
type Page struct {
	// Mark tells contents apart.
	Mark string `json:"mark"`
	// Body is the content, as the machine that shows it reads it.
	Body json.RawMessage `json:"body"`
	// Read is when the newest list of users in it was read; zero: none was.
	Read time.Time `json:"read,omitzero"`
	// Stands is what was found where the page should be; nil: it was not looked for.
	Stands *PageStands `json:"stands,omitempty"`
}

// PageStands is how a published page was found in Slack.
type PageStands struct {
	// Card is the name of the card that shows the page.
	Card string `json:"card"`
	Gone bool   `json:"gone,omitempty"` // somebody deleted it
	// By edited it last, who is not Keyholder; Edit tells that edit from others.
	By   string `json:"by,omitempty"`
	Edit string `json:"edit,omitempty"`
}

// ID tells answers apart; "" for none.
func (p *Page) ID() string {
	if p == nil {
		return ""
	}
	id := p.Mark
	if s := p.Stands; s != nil {
		id += "+" + s.Card + s.Edit
	}
	return id
}
