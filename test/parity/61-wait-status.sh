# Exit statuses: killed processes are 128 + signal, wait for each, wait for all, of processes one does not know.
sleep 100 & p=$!
kill $p; wait $p; echo "TERM $?"
sleep 100 & p=$!
kill -9 $p; wait $p; echo "KILL $?"
sleep 100 & p=$!
kill -s INT $p; kill -HUP $p; wait $p; echo "HUP $?"
(exit 7) & wait $!; echo "exit $?"
wait $p; echo "known already $?"
wait 1 2> /dev/null; echo "not a child $?"
wait; echo "all $?"
kill -0 $$; echo "alive $?"
kill -0 99999 2> /dev/null; echo "nobody $?"
kill -l 9; kill -l TERM
bash -c 'kill -9 $$' 2> /dev/null; echo "itself $?"
(kill -15 $BASHPID); echo "subshell $?"
false; echo "false $?"
! false; echo "not $?"
nosuchprogram 2> /dev/null; echo "nosuch $?"
/disk 2> /dev/null; echo "directory $?"
true & wait -n; echo "wait -n $?"
sleep 0.1 & sleep 0.3 & wait; echo "both $?"
