package bot

import "encoding/json"

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

type wireInput struct {
	Type            string       `json:"type"`
	Value           *string      `json:"value"`
	SelectedOption  *wireOption  `json:"selected_option"`
	SelectedOptions []wireOption `json:"selected_options"`
	SelectedUser    *string      `json:"selected_user"`
	SelectedDate    *string      `json:"selected_date"`
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
		Type string `json:"type"`
		User string `json:"user"`
		Tab  string `json:"tab"`
	} `json:"event"`
}
