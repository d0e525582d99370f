package review

// Actions of packets, part of the contract.
const (
	ActOpen     = "review.open"
	ActPrev     = "review.prev"
	ActNext     = "review.next"
	ActUndo     = "review.undo"
	ActKeepAll  = "review.keep_all"
	ActSign     = "review.sign"
	ActReassign = "review.reassign"
)

// Actions of packets and campaigns that were added to the contract later.
const (
	ActConfirm = "review.confirm" // of a packet: another person confirms what somebody says they did
	ActRetry   = "review.retry"   // of a packet: what failed is begun again
	ActRevoked = "review.revoked" // of a packet: somebody says that the API tokens are revoked
	// of a campaign: opens the form that takes a CSV of the Users page, and is its action
	ActImport    = "review.import"
	ActCount     = "review.count" // of a campaign: a second person confirms the number of rows of a file
	ActDelegates = "review.delegates"
	ActReread    = "review.read" // of a campaign: what could not be read is read again
)

// Forms. A packet's form has the callback and the action [FormPacket].
const (
	FormPacket    = "review.packet"
	FormReassign  = "review.reassign"
	FormImport    = "review.import"
	FormDelegates = "review.delegates"
)

// Blocks of the forms: row, role and reason are followed by the row's number.
const (
	BlockRow         = "row:"
	BlockRole        = "role:"
	BlockReason      = "reason:"
	BlockPerson      = "person"
	BlockNote        = "note"
	BlockFile        = "file"
	BlockEnvironment = "environment"
	BlockExtracted   = "extracted"
	BlockAlias       = "alias"
	BlockAttest      = "attest"
)

// Commands that no person gives on a card. The desk opens a workflow for "<machine>.request".
const (
	StartCampaign = "campaign.request" // a person by slash command, or the calendar; Input: period
	StartAgain    = "campaign.again"   // the same, for a period whose review could not be held
	openPacket    = "packet.request"   // by the campaign: Input assigned
	closePacket   = "packet.close"     // by the campaign
	packetMailbox = "packet.mailbox"   // by the campaign: Input mailbox
	packetSeen    = "packet.seen"      // by the campaign, after a fresh list: Input environment, users, reading
	packetMoved   = "campaign.part"    // by a packet: Input part
	// by an access workflow: Input row, access_id, state, how, before, after, at, why
	PacketFixed  = "review.fixed"
	LookPeople   = "packet.people"   // somebody's Slack account changed: are the reviewers still there?
	ImportUsers  = "campaign.import" // by the operator's command line; Input as the form
	OpenCalendar = "calendar.request"
	LookCalendar = "calendar.look"
)
