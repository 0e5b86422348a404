package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	deps := false
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version of this binary", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintf(a.env.Stdout, "mainstem %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			info, ok := debug.ReadBuildInfo()
			if !deps || !ok {
				return nil
			}
			for _, m := range info.Deps {
				fmt.Fprintf(a.env.Stdout, "%s %s\n", m.Path, m.Version)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&deps, "deps", false, "also list the modules inside")
	return cmd
}
