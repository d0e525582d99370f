package evidence

import _ "embed" // the explanation is a file of its own, because it is also a program

// verifyText explains how to check the files, and checks them when Python runs it.
//
//go:embed verify.txt
var verifyText []byte
