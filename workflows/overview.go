package workflows

import "time"

// AccountInfo is an account as configured and as recorded.
type AccountInfo struct {
	Policy Policy
	State  AccountState
}

// Overview is one workflow in a line.
type Overview struct {
	ID, Machine          string
	Account, AccountName string
	Title, Stage         string
	Closed               bool
	Opened               time.Time
	Waiting              []string
}

// StoryLine is one event retold.
type StoryLine struct {
	At   time.Time
	By   Actor
	Text string // mrkdwn
}
