// Package controller owns the quorum's loop and the published image.
package controller
