# http-bsd.sh ADDRESS FOLDER NODE PROGRAM: examples/http-static.mjs on one core. It exits when its parent exits.
port=$((20000 + $$ % 10000))
echo "ready tcp:127.0.0.1:$port"
exec setpriv --pdeathsig TERM "$3" "$4" --workers 1 --port "$port" "$2" >/dev/null
