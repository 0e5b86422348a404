package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/output"
	"github.com/mainstem-io/mainstem/internal/errcode"
)

func (a *app) clusterCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "cluster", Short: "See how the cluster is"}
	cmd.AddCommand(a.clusterStatus())
	return cmd
}

// clusterRow is the one line of cluster status.
type clusterRow struct {
	Cluster         string `json:"cluster_id" col:"CLUSTER"`
	Controller      int32  `json:"controller"`
	Brokers         int    `json:"brokers"`
	Topics          int    `json:"topics"`
	Partitions      int    `json:"partitions"`
	Leaderless      int    `json:"leaderless"`
	UnderReplicated int    `json:"under_replicated"`
	Healthy         bool   `json:"healthy"`
}

func (a *app) clusterStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status", Aliases: []string{"health"}, Short: "Brokers, topics, and what is not well", Args: cobra.NoArgs,
		Long: "Brokers, topics, and what is not well. Exits with 3 when a partition has no leader or lacks replicas.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				m, err := adm.Metadata(ctx)
				if err != nil {
					return err
				}
				row := clusterRow{Cluster: m.Cluster, Controller: m.Controller, Brokers: len(m.Brokers), Topics: len(m.Topics)}
				m.Topics.EachPartition(func(p kadm.PartitionDetail) {
					row.Partitions++
					if p.Leader < 0 {
						row.Leaderless++
					}
					if len(p.ISR) < len(p.Replicas) {
						row.UnderReplicated++
					}
				})
				row.Healthy = row.Leaderless == 0 && row.UnderReplicated == 0 && row.Brokers > 0
				if err := output.Print(a.env.Stdout, a.format, []clusterRow{row}); err != nil || row.Healthy {
					return err
				}
				e := errcode.New(errcode.ClusterNoQuorum, "%s", fmt.Sprintf("%d partitions have no leader, %d lack replicas", row.Leaderless, row.UnderReplicated))
				e.Code.Exit, e.Next = errcode.ExitProblems, []string{"mainstem topic describe NAME"}
				return e
			})
		},
	}
}
