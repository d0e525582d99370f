package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// The types below hold what the bot uses of Slack's envelopes and nothing more, so that a message or view that contains
// something new cannot make a click undecodable. Source: reference of interaction payloads and slash commands.

type wireEnvelope struct {
	ID      string          `json:"envelope_id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

type wireUser struct {
	ID     string `json:"id"`
	TeamID string `json:"team_id"`
}

type wireAction struct {
	Type     string `json:"type"`
	ActionID string `json:"action_id"`
	BlockID  string `json:"block_id"`
	Value    string `json:"value"`
	ActionTS string `json:"action_ts"`
}

type wireOption struct {
	Value string `json:"value"`
}

// wireFile is a file of a form or of files.info. Addresses may be missing (Slack Connect,
// file_access "check_file_info").
type wireFile struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Size        int64  `json:"size"`
	URL         string `json:"url_private"`
	URLDownload string `json:"url_private_download"`
}

type wireInput struct {
	Type            string       `json:"type"`
	Value           *string      `json:"value"`
	SelectedOption  *wireOption  `json:"selected_option"`
	SelectedOptions []wireOption `json:"selected_options"`
	SelectedUser    *string      `json:"selected_user"`
	SelectedDate    *string      `json:"selected_date"`
	Files           []wireFile   `json:"files"`
}

type wireBlock struct {
	Type    string `json:"type"`
	BlockID string `json:"block_id"`
}

type wireView struct {
	ID              string      `json:"id"`
	Type            string      `json:"type"`
	CallbackID      string      `json:"callback_id"`
	PrivateMetadata string      `json:"private_metadata"`
	Hash            string      `json:"hash"`
	Blocks          []wireBlock `json:"blocks"`
	State           struct {
		Values map[string]map[string]wireInput `json:"values"`
	} `json:"state"`
}

type wireInteraction struct {
	Type        string   `json:"type"`
	User        wireUser `json:"user"`
	TriggerID   string   `json:"trigger_id"`
	ResponseURL string   `json:"response_url"`
	Channel     struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		ChannelID string `json:"channel_id"`
		ThreadTS  string `json:"thread_ts"`
		Type      string `json:"type"`
		ViewID    string `json:"view_id"`
	} `json:"container"`
	Actions []wireAction `json:"actions"`
	View    *wireView    `json:"view"`
}

type wireSlash struct {
	TeamID      string `json:"team_id"`
	ChannelID   string `json:"channel_id"`
	UserID      string `json:"user_id"`
	Command     string `json:"command"`
	Text        string `json:"text"`
	TriggerID   string `json:"trigger_id"`
	ResponseURL string `json:"response_url"`
}

type wireEvent struct {
	TeamID string `json:"team_id"`
	Event  struct {
		Type string      `json:"type"`
		User wireSubject `json:"user"`
		Tab  string      `json:"tab"`
		File string      `json:"file_id"` // of file_change and file_deleted
	} `json:"event"`
}

// wireSubject is whom an event is about: an ID in app_home_opened, the whole user in user_change.
// Digest is of the user as a whole, which both events that Slack sends of one change carry alike;
// "" without one.
type wireSubject struct {
	ID     string
	Digest string
}

// UnmarshalJSON implements json.Unmarshaler.
func (u *wireSubject) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] != '{' {
		return json.Unmarshal(raw, &u.ID)
	}
	var user wireUser
	err := json.Unmarshal(raw, &user)
	sum := sha256.Sum256(raw)
	u.ID, u.Digest = user.ID, hex.EncodeToString(sum[:8])
	return err
}
