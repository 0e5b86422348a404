package broker

import (
	"github.com/mainstem-io/mainstem/broker/internal/api"
	"github.com/mainstem-io/mainstem/broker/internal/wire"
)

// API is a row of the version table.
type API struct {
	Key        int16
	Name       string
	Min, Max   int16
	Advertised int16 // what ApiVersions says as the minimum; below Min only for Produce
	Served     bool  // false: planned, its requests close the connection as unknown keys do
}

// APIs lists the APIs of a broker listener by key, those that are not served yet included.
func APIs() []API {
	var out []API
	for _, a := range wire.Served.APIs() {
		out = append(out, API{Key: a.Key, Name: a.Name, Min: a.Min, Max: a.Max, Advertised: a.AdvertisedMin, Served: api.Serves(a.Key)})
	}
	return out
}
